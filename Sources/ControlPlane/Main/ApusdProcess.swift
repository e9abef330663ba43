import ControlAuthority
import ControlKubernetes
import ControlServe
import ControlTranslate
import ControlWaypoints
import Foundation
import Logging
import MeshModel
import MeshRuntime
import MeshTelemetry
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Puts the parts together and runs them in order: admin pages, TLS port, resources. They stop the other way round.
struct ApusdProcess {
    private let settings: ApusdSettings

    init(_ settings: ApusdSettings) { self.settings = settings }

    func run() async throws {
        let output = LogOutput(format: settings.logFormat, filter: settings.logFilter, sink: .standardError())
        LoggingSystem.bootstrap { output.handler(label: $0) }
        do {
            try await run(output)
            await output.sink.close()
        } catch {
            await output.sink.close()
            throw error
        }
    }

    private func run(_ output: LogOutput) async throws {
        let client = try settings.place.cluster.map { try APIClient($0) }
        do {
            try await run(output, client)
            await client?.close()
        } catch {
            await client?.close()
            throw error
        }
    }

    /// - Parameter client: of the API server, if there is one, for all that is not read by watches.
    private func run(_ output: LogOutput, _ client: APIClient?) async throws {
        let log = output.logger("apusd")
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        let metrics = ControlMetrics()
        let state = try StateDirectory(path: settings.stateDirectory)
        let origin = settings.trust.origin(client, state: state)
        let opened = try await origin.open(settings, nowSeconds: now, log: log)
        metrics.set(.signerNotAfterSeconds, Int(opened.authority.signerNotAfterSeconds))
        warnBeforeExpiry(opened.authority, log, nowSeconds: now())
        // For those who look for the roots on this host; the same as what is there if the authority lies there too.
        if !opened.fingerprint.isEmpty { try state.replace(AuthorityFile.roots, opened.authority.rootsPEM) }
        let authority = CurrentAuthority(opened.authority)
        let tokens = try NodeTokens(settings.tokens, state: state)
        let renewal = CertificateRenewal(
            authority: authority, names: settings.serverNames, log: output.logger("serve"), nowSeconds: now)
        let certificate = try renewal.make()
        var translate = settings.translate
        var responder: ProbeResponder?
        if let waypoints = settings.waypoints {
            let started = try await ProbeResponder.start(on: .singleton)
            translate.probeResponder = TransportAddress(waypoints.gateway, port: started.port)
            responder = started
        }
        let desk = ControlDesk(
            settings: translate, state: state, tokens: tokens, metrics: metrics,
            log: output.logger("desk"))
        let server = ControlServer(
            ControlServer.Parts(
                desk: desk, authority: authority, tokens: tokens,
                reviews: client.map { settings.trust.reviews($0, log: output.logger("tokens")) }, metrics: metrics,
                nowSeconds: now),
            listen: settings.listen, certificate: certificate, log: output.logger("serve"))
        let readiness = Readiness(pending: ["listener", "resources"])
        let source = ResourceSource(settings, readiness: readiness, log: output.logger("sources"))
        let admin = AdminServer(
            routes: AdminPages.routes(
                desk: desk, metrics: metrics, readiness: readiness, output: output, kinds: source.kinds),
            group: MultiThreadedEventLoopGroup.singleton, logger: output.logger("admin"))
        let adminAddresses = try await admin.start(on: [settings.admin])
        let announcement = Announcement(
            server: server, desk: desk, readiness: readiness, state: state, tokens: tokens,
            adminAddresses: adminAddresses, metrics: metrics, log: log)
        let leads = Board<Bool>()
        let keeper = settings.trust.keeper(client, metrics: metrics, leads: leads, log: output.logger("lease"))
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: AdminPart(admin: admin), serviceName: "admin"),
                .init(service: ServerPart(server: server), serviceName: "listener"),
                .init(service: SourcePart(source: source, desk: desk), serviceName: "resources"),
                .init(service: announcement, serviceName: "announcement"),
                .init(
                    service: StatusPart(
                        path: settings.statusDirectory, board: desk.debugBoard, log: output.logger("status")),
                    serviceName: "statuses"),
                .init(
                    service: AuthorityPart(
                        origin: origin, authority: authority, fingerprint: opened.fingerprint,
                        lifetimes: settings.lifetimes, state: state, renewal: renewal, server: server,
                        metrics: metrics, nowSeconds: now, log: log),
                    serviceName: "authority"),
                .init(service: LeasePart(keeper: keeper), serviceName: "lease"),
                .init(
                    service: RootMapsPart(
                        maps: rootMaps(client, output), leadership: keeper?.leadership, authority: authority,
                        nodes: desk.nodeBoard),
                    serviceName: "roots"),
                .init(
                    service: ClusterStatusPart(writer: source.statusWriter, board: desk.debugBoard, leads: leads),
                    serviceName: "cluster statuses"),
                .init(
                    service: WaypointDeployPart(
                        place: settings.place, settings: settings.deployment, desk: desk, leads: leads,
                        log: output.logger("waypoints")),
                    serviceName: "waypoint deployments"),
                .init(
                    service: RenewalPart(renewal: renewal, server: server, first: certificate),
                    serviceName: "certificate renewal"),
                .init(
                    service: WaypointPart(
                        options: settings.waypoints, responder: responder, translate: translate, state: state,
                        authority: authority, server: server, desk: desk, nowSeconds: now,
                        log: output.logger("waypoints")),
                    serviceName: "waypoints"),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: output.logger("lifecycle"))
        let drainSeconds = settings.waypoints.map { $0.drainSeconds + WaypointRunSettings.killSeconds } ?? 0
        configuration.maximumGracefulShutdownDuration = .seconds(ServeLimits.shutdownGraceSeconds + drainSeconds)
        try await ServiceGroup(configuration: configuration).run()
        log.info("stopped")
    }

    private func rootMaps(_ client: APIClient?, _ output: LogOutput) -> RootConfigMaps? {
        guard let client, let name = settings.trust.rootConfigMap else { return nil }
        return RootConfigMaps(client, name: name, log: output.logger("roots"))
    }

    private func warnBeforeExpiry(_ authority: CertificateAuthority, _ log: Logger, nowSeconds: Int64) {
        let days = (authority.signerNotAfterSeconds - nowSeconds) / 86_400
        guard days < 90 else { return }
        log.warning("the signing certificate of \(authority.signerName) expires in \(days) days: replace it in time")
    }
}

/// Admin pages are up from the start; they stop last, so that readiness can be asked while the rest stops.
private struct AdminPart: ServiceLifecycle.Service {
    let admin: AdminServer

    func run() async throws {
        try? await gracefulShutdown()
        await admin.stop()
    }
}

/// The TLS port.
private struct ServerPart: ServiceLifecycle.Service {
    let server: ControlServer

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            server.stop()
        }
    }
}

/// The TLS port's own certificate.
private struct RenewalPart: ServiceLifecycle.Service {
    let renewal: CertificateRenewal
    let server: ControlServer
    let first: ServerCertificate

    func run() async throws {
        await cancelWhenGracefulShutdown { await renewal.run(server, from: first) }
    }
}
