package import ControlTranslate
package import Logging
internal import MeshModel
internal import Synchronization

/// Makes the waypoints of Gateways into Deployments and what belongs to them, and keeps these so. What is made is owned
/// by its Gateway, so that it goes with it: the API server's collector ends the pods, and each drains before it ends.
package actor WaypointDeployer {
    /// What is known of one Gateway's objects.
    private struct Known {
        var applied: [WaypointObject.Part: JSONValue] = [:]
        var appliedAt: Int64 = 0
        /// Parts that are there for certain not, or not ours.
        var absent: Set<WaypointObject.Part> = []
        var backoff = Backoff()
        var notBefore: Int64 = 0
    }

    private struct Wanted {
        var gateways: [GatewayResource] = []
        var isEnabled = false
    }

    private let configuration: ClusterConfiguration
    private var settings: WaypointDeploySettings
    private let timing: SourceTiming
    private let log: Logger
    private let tell: @Sendable ([String: WaypointProblem]) async -> Void
    private nonisolated let wanted = Mutex<Wanted>(Wanted())
    private let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private var known: [String: Known] = [:]
    private var problems: [String: WaypointProblem] = [:]
    private var versions: [WaypointObject.Part: ServedKind] = [:]
    /// Requests that changed something, for counting.
    package private(set) var writeCount = 0

    /// - Parameter tell: hears what keeps which Gateway, by `NAMESPACE/NAME`, from being made into objects.
    package init(
        _ configuration: ClusterConfiguration, _ settings: WaypointDeploySettings,
        timing: SourceTiming = SourceTiming(), logger: Logger,
        tell: @escaping @Sendable ([String: WaypointProblem]) async -> Void
    ) {
        self.configuration = configuration
        self.settings = settings
        self.timing = timing
        log = logger
        self.tell = tell
    }

    /// Gateways that want a waypoint now.
    package nonisolated func want(_ gateways: [GatewayResource]) {
        let isNew = wanted.withLock { wanted in
            defer { wanted.gateways = gateways }
            return wanted.gateways != gateways
        }
        if isNew { waker.yield() }
    }

    /// Of several control planes one may write; nobody does until this is said.
    package nonisolated func enable(_ isEnabled: Bool) {
        wanted.withLock { $0.isEnabled = isEnabled }
        waker.yield()
    }

    /// Until the task is cancelled.
    package func run() async {
        let client: APIClient
        do {
            client = try APIClient(configuration, timing)
        } catch {
            log.error("no waypoint can be deployed: \(error)")
            return
        }
        let clock = Task { [settings, waker] in
            while (try? await Task.sleep(for: .milliseconds(settings.lookMilliseconds))) != nil { waker.yield() }
        }
        for await _ in wakes {
            let wanted = self.wanted.withLock { $0 }
            guard wanted.isEnabled else { continue }
            await reconcile(wanted.gateways, client)
        }
        clock.cancel()
        await client.close()
    }

    private func reconcile(_ gateways: [GatewayResource], _ client: APIClient) async {
        let keys = Set(gateways.map(\.metadata.key))
        known = known.filter { keys.contains($0.key) }
        let before = problems
        problems = problems.filter { keys.contains($0.key) }
        guard !gateways.isEmpty else { return await say(before) }
        let objects = WaypointObjects(client: client, settings: settings)
        do {
            if versions.count < WaypointObject.Part.allCases.count {
                versions = try await objects.versions()
                settings.ownerVersion = try await objects.gatewayVersion() ?? settings.ownerVersion
            }
        } catch {
            log.warning("waypoints wait: the API server's kinds are not known: \(error)")
            return wakeLater(5000)
        }
        for gateway in gateways {
            guard !Task.isCancelled else { return }
            await reconcile(gateway, objects)
        }
        await say(before)
    }

    private func say(_ before: [String: WaypointProblem]) async {
        guard problems != before else { return }
        for (key, problem) in problems where before[key] != problem {
            log.warning("waypoint \(key): \(problem.message)")
        }
        await tell(problems)
    }

    private func wakeLater(_ milliseconds: Int) {
        Task { [waker] in
            try? await Task.sleep(for: .milliseconds(milliseconds))
            waker.yield()
        }
    }

    private func reconcile(_ gateway: GatewayResource, _ objects: WaypointObjects) async {
        let key = gateway.metadata.key
        var state = known[key] ?? Known()
        guard Clock.nowMilliseconds >= state.notBefore else { return }
        do {
            try await apply(try await desired(gateway, objects), gateway, objects, &state)
            state.backoff.reset()
            problems[key] = nil
        } catch {
            switch error {
            case .parameters(let message): problems[key] = WaypointProblem(.parameters, message)
            case .server(let failure):
                let wait = state.backoff.next(after: failure, chance: Double.random(in: 0..<1))
                state.notBefore = Clock.nowMilliseconds + Int64(wait)
                wakeLater(wait)
                problems[key] = WaypointProblem(.objects, "its objects cannot be written: \(failure)")
            }
        }
        known[key] = state
    }

    private func desired(
        _ gateway: GatewayResource, _ objects: WaypointObjects
    ) async throws(WaypointDeployFailure) -> [WaypointObject] {
        let overlays = try await objects.overlays(of: gateway)
        do {
            return try WaypointTemplate.objects(gateway, settings, overlays)
        } catch {
            throw .parameters(error.description)
        }
    }

    private func apply(
        _ desired: [WaypointObject], _ gateway: GatewayResource, _ objects: WaypointObjects, _ state: inout Known
    ) async throws(WaypointDeployFailure) {
        let isRepair = Clock.nowMilliseconds - state.appliedAt >= settings.repairMilliseconds
        for object in desired where isRepair || state.applied[object.part] != object.value {
            guard let served = versions[object.part] else {
                throw .parameters("the API server has no \(object.part.kind.name) that we can write")
            }
            let place = ObjectPlace(served, namespace: gateway.metadata.namespace, name: object.name)
            if isRepair || state.applied[object.part] == nil { try await objects.checkOwner(of: place) }
            writeCount += 1
            try await objects.apply(object, at: place)
            state.applied[object.part] = object.value
            state.absent.remove(object.part)
        }
        let parts = Set(desired.map(\.part))
        for part in WaypointObject.Part.allCases where part.isOptional && !parts.contains(part) {
            guard !state.absent.contains(part), let served = versions[part] else { continue }
            let place = ObjectPlace(
                served, namespace: gateway.metadata.namespace, name: gateway.serviceName)
            if try await objects.remove(place, ownedBy: gateway) { writeCount += 1 }
            state.applied[part] = nil
            state.absent.insert(part)
        }
        if isRepair { state.appliedAt = Clock.nowMilliseconds }
    }
}
