import Foundation
import MeshTesting

/// The life of one pod on its node, as a kubelet leads it: volumes, network, containers, probes, statuses, the end.
actor PlayedPod {
    /// `NAMESPACE/NAME`.
    nonisolated let key: String
    nonisolated let node: PlayedNode
    /// Its network, for whoever wants to run something there.
    nonisolated let network: MeshPod
    private let server: APIServer
    private let pod: ObjectTree
    private let folder: String
    private var container: PlayedContainer?
    private var isReady = false
    private var readySince = Date.now
    private var restarts = 0
    private var nextProbe = ContinuousClock.now
    private var failedProbes = 0
    /// Seconds that its container may take to end; `nil` while it is wanted.
    private var grace: Double?
    /// What went wrong.
    private(set) var troubles: [String] = []

    private static let step = Duration.milliseconds(50)
    /// Between two probes: a kubelet's are rarer, and we are in a hurry.
    private static let probing = (waiting: Duration.milliseconds(200), ready: Duration.seconds(2))

    /// - Parameter octet: the last number of its address.
    init(_ pod: ObjectTree, on node: PlayedNode, octet: Int, _ server: APIServer) throws {
        self.pod = pod
        self.node = node
        self.server = server
        key = "\(pod.metadata("namespace"))/\(pod.metadata("name"))"
        folder = "\(node.folder)/pods/\(pod.metadata("namespace")).\(pod.metadata("name"))"
        try FileManager.default.createDirectory(atPath: "\(folder)/volumes", withIntermediateDirectories: true)
        network = try MeshNetwork.makePod(
            MeshPodPlan(pod.metadata("name"), node: node.number, octet: octet), on: node.network, folder)
    }

    nonisolated var labels: [String: ObjectTree] { pod["metadata", "labels"]?.members ?? [:] }
    nonisolated var uid: String { pod.metadata("uid") }
    nonisolated var address: String { network.plan.v4 }
    /// What its container printed.
    nonisolated var log: String {
        let name = pod["spec", "containers"]?.items.first?["name"]?.text ?? ""
        return (try? String(contentsOfFile: "\(folder)/\(name).log", encoding: .utf8)) ?? ""
    }

    /// Runs a program in its container, as `kubectl exec` does.
    func run(_ command: [String]) async throws -> (status: Int32, output: String) {
        guard let container else { throw APIServer.Missing(description: "\(key) has no container") }
        return try await container.run(command)
    }

    /// Its container's process, as we number it.
    var process: Int32? { container?.process }
    var restartCount: Int { restarts }

    // MARK: - Its life

    /// From its first moment to its last.
    func live() async {
        await tryOn { try await self.start() }
        while grace == nil, !Task.isCancelled {
            await tryOn { try await self.look() }
            try? await Task.sleep(for: Self.step)
        }
        guard !Task.isCancelled else { return }
        await finish()
    }

    /// It is not wanted any more.
    func end(graceSeconds: Double) { grace = min(grace ?? graceSeconds, graceSeconds) }

    /// Does something until it succeeds or the pod is not wanted any more.
    private func tryOn(_ body: () async throws -> Void) async {
        while grace == nil, !Task.isCancelled {
            do {
                return try await body()
            } catch {
                if troubles.last != "\(error)" { troubles.append("\(error)") }
                try? await Task.sleep(for: .milliseconds(300))
            }
        }
    }

    private var runtime: NetworkRuntime {
        NetworkRuntime(node: node, pod: pod, container: "c-\(uid)", path: network.namespace.path, address: address)
    }

    private func start() async throws {
        let volumes = try await PodVolumes(server: server, node: node, pod: pod, folder: "\(folder)/volumes").places()
        do {
            try await runtime.add()
        } catch {
            // What a plugin has refused is tidied up before the next attempt.
            try? await runtime.delete()
            throw error
        }
        try await startContainer(volumes)
        try await tell()
    }

    private func startContainer(_ volumes: [String: String]) async throws {
        guard let specification = pod["spec", "containers"]?.items, specification.count == 1 else {
            throw APIServer.Missing(description: "\(key): pods of one container are played, others are not")
        }
        _ = try await node.run(["mkdir", "-p", "\(node.cgroups)/pod\(uid)"])
        container = try PlayedContainer(
            specification[0], of: pod, address: address, on: node, in: network.namespace, volumes: volumes,
            folder: folder)
    }

    private func look() async throws {
        guard container?.isRunning == true else {
            troubles.append("\(key) ended with \(container?.status ?? -1): \(log.suffix(600))")
            restarts += 1
            isReady = false
            let volumes = PodVolumes(server: server, node: node, pod: pod, folder: "\(folder)/volumes")
            try await Task.sleep(for: .seconds(1))
            try await startContainer(volumes.places())
            return try await tell()
        }
        guard ContinuousClock.now >= nextProbe else { return }
        let succeeds = try await probe()
        failedProbes = succeeds ? 0 : failedProbes + 1
        nextProbe = .now + (isReady ? Self.probing.ready : Self.probing.waiting)
        let isReady = succeeds || self.isReady && failedProbes < 3
        guard isReady != self.isReady else { return }
        (self.isReady, readySince) = (isReady, .now)
        try await tell()
    }

    /// Its readiness probe, from the node as a kubelet does it.
    private func probe() async throws -> Bool {
        let container = pod["spec", "containers"]?.items.first
        guard let get = container?["readinessProbe", "httpGet"], let path = get["path"]?.text else { return true }
        let ports = container?["ports"]?.items ?? []
        let named = ports.first { $0["name"] == get["port"] }?["containerPort"]?.count
        guard let port = get["port"]?.count ?? named else { return false }
        let seconds = container?["readinessProbe", "timeoutSeconds"]?.count ?? 1
        let (node, url) = (node, "http://\(address):\(port)\(path)")
        return try await offload {
            try node.network.runAnyStatus("curl", "-sf", "--max-time", "\(seconds)", "-o", "/dev/null", url).status == 0
        }
    }

    private func finish() async {
        await container?.stop(seconds: grace ?? 30)
        for attempt in 1...3 {
            do {
                try await runtime.delete()
                break
            } catch {
                troubles.append("attempt \(attempt): \(error)")
            }
        }
        _ = try? await node.run(["rmdir", "\(node.cgroups)/pod\(uid)"])
        _ = try? await server.call(
            "DELETE", "/api/v1/namespaces/\(pod.metadata("namespace"))/pods/\(pod.metadata("name"))",
            #"{"gracePeriodSeconds":0,"preconditions":{"uid":"\#(uid)"}}"#)
    }

    // MARK: - Its status

    private func tell() async throws {
        let time = readySince.formatted(.iso8601)
        let conditions = [
            ("PodScheduled", true), ("Initialized", true), ("ContainersReady", isReady), ("Ready", isReady),
        ].map { #"{"type":"\#($0.0)","status":"\#($0.1 ? "True" : "False")","lastTransitionTime":"\#(time)"}"# }
        let container = pod["spec", "containers"]?.items.first
        try await server.must(
            "PATCH", "/api/v1/namespaces/\(pod.metadata("namespace"))/pods/\(pod.metadata("name"))/status",
            """
            {"metadata":{"uid":"\(uid)"},"status":{"phase":"Running","hostIP":"\(node.address)","podIP":"\(address)",\
            "podIPs":[{"ip":"\(address)"}],"startTime":"\(time)","conditions":[\(conditions.joined(separator: ","))],\
            "containerStatuses":[{"name":"\(container?["name"]?.text ?? "")","ready":\(isReady),"started":true,\
            "image":"\(container?["image"]?.text ?? "")","imageID":"","restartCount":\(restarts),\
            "state":{"running":{"startedAt":"\(time)"}}}]}}
            """, type: "application/merge-patch+json")
    }
}
