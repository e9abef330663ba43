import ControlAuthority
import ControlTranslate
import Foundation
import Logging
import MeshKernel
import MeshModel

/// The life of one waypoint: its place, its process, started again when it ends, and the requests that prove it.
actor WaypointDriver {
    /// What the world is told of it.
    typealias Report = @Sendable (_ isReady: Bool, _ problem: String) async -> Void

    private let name: WaypointInstanceName
    private let instance: WaypointInstance
    private let lease: AddressPool.Lease
    private let settings: WaypointRunSettings
    private let controlPlanePort: UInt16
    private let probe: WaypointProbe
    private let records: WaypointRecords
    private let report: Report
    private let log: Logger
    private var child: ChildProcess?
    private var pause: Task<Void, any Error>?
    private var isLeaving = false
    private var isReady = false

    /// Between two requests that prove it, before and after the first that came back.
    private static let unprovenMilliseconds = 150
    private static let provenMilliseconds = 2000
    /// Requests that may fail in a row before it takes no traffic.
    private static let failuresMax = 3
    /// A process that has not proven itself by then is started anew.
    private static let startSeconds = 60

    init(
        _ instance: WaypointInstance, at lease: AddressPool.Lease, _ settings: WaypointRunSettings,
        controlPlanePort: UInt16, probe: WaypointProbe, log: Logger, report: @escaping Report
    ) {
        let metadata = instance.gateway.metadata
        name = WaypointInstanceName(
            namespace: metadata.namespace, gateway: metadata.name, service: instance.gateway.serviceName,
            pod: instance.podName, serviceAccount: instance.gateway.serviceAccount)
        self.instance = instance
        self.lease = lease
        self.settings = settings
        self.controlPlanePort = controlPlanePort
        self.probe = probe
        self.report = report
        var log = log
        log[metadataKey: "waypoint"] = "\(instance.key)"
        self.log = log
        records = WaypointRecords(settings: settings, log: log)
    }

    /// Keeps it alive until it is asked to leave and has ended.
    func run() async {
        var delay = RestartDelay()
        var place: WaypointPlace?
        while !isLeaving {
            let started = ContinuousClock.now
            let end: String
            do {
                let home = try await settledPlace(&place)
                end = try await live(in: home)
            } catch {
                end = "cannot be started: \(error)"
            }
            isReady = false
            guard !isLeaving else { break }
            let milliseconds = delay.milliseconds(after: started.duration(to: .now))
            log.error("the waypoint \(end); next start in \(milliseconds) ms")
            await report(false, "the waypoint \(end); it is started again")
            await sleep(milliseconds)
        }
        do {
            try await place?.remove()
        } catch {
            log.error("the waypoint's device is not removed: \(error)")
        }
        records.remove(name)
    }

    /// Takes no new connections, serves what runs, and ends; what is left at the bound is cut.
    func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        pause?.cancel()
        guard let child else { return }
        child.signal(SIGTERM)
        let seconds = settings.drainSeconds + WaypointRunSettings.killSeconds
        Task {
            try? await Task.sleep(for: .seconds(seconds))
            child.signal(SIGKILL)
        }
    }

    private func settledPlace(_ place: inout WaypointPlace?) async throws(KernelError) -> WaypointPlace {
        if let place { return place }
        let made = try await WaypointPlace.make(settings.link(lease))
        place = made
        return made
    }

    /// One process, from its start to its end; says how it ended.
    private func live(in place: WaypointPlace) async throws(KernelError) -> String {
        guard !isLeaving else { return "has left" }
        let output = settings.state.path(of: "\(WaypointRunSettings.folder)/\(name.file).log")
        let environment = settings.environment(for: name, controlPlanePort: controlPlanePort)
        let child = try place.start(settings.program, environment, output: output)
        self.child = child
        records.write(name, child)
        log.info(
            "waypoint started",
            metadata: ["process": "\(child.identifier)", "address": "\(lease.address)", "output": "\(output)"])
        let proving = Task { await prove(child) }
        let end = await blocking { child.waitForEnd() }
        self.child = nil
        proving.cancel()
        await proving.value
        return end
    }

    /// Sends request after request through it, as long as it lives.
    private func prove(_ child: ChildProcess) async {
        let started = ContinuousClock.now
        var failures = 0
        var wasReady = false
        while !Task.isCancelled, !isLeaving {
            let failure = await ask()
            guard !Task.isCancelled, !isLeaving else { return }
            if let failure {
                failures += 1
                if isReady, failures >= Self.failuresMax {
                    isReady = false
                    log.error("the waypoint takes no traffic: \(failure)")
                    await report(false, "a request through it failed: \(failure)")
                } else if !isReady {
                    await report(false, "no request has gone through it yet: \(failure)")
                }
                if !wasReady, started.duration(to: .now) > .seconds(Self.startSeconds) { child.signal(SIGKILL) }
            } else {
                failures = 0
                wasReady = true
                if !isReady {
                    isReady = true
                    log.info("a request went through the waypoint: it takes traffic")
                    await report(true, "")
                }
            }
            let milliseconds = isReady ? Self.provenMilliseconds : Self.unprovenMilliseconds
            try? await Task.sleep(for: .milliseconds(milliseconds))
        }
    }

    /// `nil` when the request came back.
    private func ask() async -> ProbeFailure? {
        let identity = Identity(
            trustDomain: settings.trustDomain, namespace: name.namespace, serviceAccount: name.serviceAccount)
        do {
            try await probe.check(
                TransportAddress(lease.address, port: TunnelPorts.inboundHBONE), as: identity,
                host: instance.probeHostname, port: WaypointInstance.probePort)
            return nil
        } catch {
            return error
        }
    }

    private func sleep(_ milliseconds: Int) async {
        let pause = Task { try await Task.sleep(for: .milliseconds(milliseconds)) }
        self.pause = pause
        try? await pause.value
        self.pause = nil
    }
}
