import Foundation
import MeshTesting

/// Plays scheduler and kubelet for pods of waypoints: each runs the real program in a network namespace of the mesh,
/// with the environment, the token and the roots that its pod says, and ends as pods end. It acts while it is waited
/// with.
final class WaypointPlayer {
    private struct Pod {
        let slot: String
        let process: MeshProcess
        var isReady = false
        /// When it is killed.
        var deadline: Date?
    }

    private static let pods = "/api/v1/namespaces/shop/pods"
    private static let mount = "/var/run/secrets"

    private let cluster: ClusterMesh
    private let slots: [String]
    private var running: [String: Pod] = [:]
    /// Of pods that have gone: log of each.
    private var logs: [String] = []

    /// - Parameter slots: pods of the plan whose namespaces and addresses are free for this.
    init(_ cluster: ClusterMesh, slots: [String]) {
        self.cluster = cluster
        self.slots = slots
    }

    /// Plays until the condition holds.
    func until(_ subject: String, seconds: Double, _ condition: () async throws -> Bool) async throws {
        do {
            try await Wait.eventually(subject, seconds: seconds, everyMilliseconds: 100) {
                try await look()
                return try await condition()
            }
        } catch {
            throw APIServer.Missing(description: "\(error)\n\(diagnosis)")
        }
    }

    func stop() async {
        for pod in running.values { await pod.process.stop(SIGKILL) }
    }

    /// The ends of what they said.
    private var diagnosis: String {
        (logs + running.values.map(\.process.output)).map { "--- waypoint\n\($0.suffix(1500))" }.joined(separator: "\n")
    }

    private func look() async throws {
        let list = try ObjectTree(
            json: try await cluster.server.call(
                "GET", "\(Self.pods)?labelSelector=gateway.networking.k8s.io/gateway-name").text)
        for pod in list["items"]?.items ?? [] {
            guard let name = pod["metadata", "name"]?.text else { continue }
            let isLeaving = pod["metadata", "deletionTimestamp"]?.text != nil
            if running[name] != nil {
                try await (isLeaving ? end(name, pod) : tell(name))
            } else if isLeaving {
                try await remove(name)
            } else if let slot = slots.first(where: { slot in !running.values.contains { $0.slot == slot } }) {
                try await start(name, pod, in: slot)
            }
        }
    }

    private func start(_ name: String, _ pod: ObjectTree, in slot: String) async throws {
        let plan = try cluster.mesh.plan(slot)
        try await cluster.server.must(
            "POST", "\(Self.pods)/\(name)/binding",
            #"{"metadata":{"name":"\#(name)"},"target":{"kind":"Node","name":"node\#(plan.node)"}}"#)
        let account = pod["spec", "serviceAccountName"]?.text ?? ""
        let folder = "\(cluster.server.directory.path)/\(name)"
        let map = "/api/v1/namespaces/shop/configmaps/istio-ca-root-cert"
        var roots: String?
        try await Wait.eventually("roots to mount", seconds: 30, everyMilliseconds: 200) {
            roots = try ObjectTree(json: try await cluster.server.call("GET", map).text)["data", "root-cert.pem"]?.text
            return roots != nil
        }
        let token = try await cluster.accounts.token("shop", account, pod: name)
        for (directory, file, text) in [("istio", "root-cert.pem", roots ?? ""), ("tokens", "istio-token", token)] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(directory)", withIntermediateDirectories: true)
            try text.write(toFile: "\(folder)/\(directory)/\(file)", atomically: true, encoding: .utf8)
        }
        let fields = [
            "status.podIP": plan.v4, "spec.nodeName": "node\(plan.node)", "metadata.name": name,
            "metadata.namespace": "shop", "spec.serviceAccountName": account,
        ]
        var environment: [String: String] = [:]
        for entry in pod["spec", "containers"]?.items.first?["env"]?.items ?? [] {
            guard let key = entry["name"]?.text else { continue }
            let field = entry["valueFrom", "fieldRef", "fieldPath"]?.text.flatMap { fields[$0] }
            environment[key] = field ?? entry["value"]?.text?.replacing(Self.mount, with: folder)
        }
        running[name] = Pod(
            slot: slot,
            process: try MeshProcess(
                name, in: try cluster.mesh.namespace(slot), environment: environment, output: "\(folder)/log",
                [cluster.mesh.programs.waypoint]))
        try await write(name, isReady: false)
    }

    /// Its readiness, when it is another.
    private func tell(_ name: String) async throws {
        guard let pod = running[name] else { return }
        let command = [
            "ip", "netns", "exec", try cluster.mesh.namespace(pod.slot).name, "curl", "-sS", "--max-time", "1",
            "http://127.0.0.1:15021/healthz/ready",
        ]
        let isReady = try await offload { try Shell.runAnyStatus(command).output }.contains("ready\n")
        guard isReady != pod.isReady else { return }
        running[name]?.isReady = isReady
        try await write(name, isReady: isReady)
    }

    private func write(_ name: String, isReady: Bool) async throws {
        guard let pod = running[name] else { return }
        let address = try cluster.mesh.plan(pod.slot).v4
        try await cluster.server.must(
            "PATCH", "\(Self.pods)/\(name)/status",
            """
            {"status":{"phase":"Running","podIP":"\(address)","podIPs":[{"ip":"\(address)"}],\
            "conditions":[{"type":"Ready","status":"\(isReady ? "True" : "False")",\
            "lastTransitionTime":"\(Date().formatted(.iso8601))"}]}}
            """, type: "application/merge-patch+json")
    }

    /// SIGTERM, the time for an end that the pod says, SIGKILL; then the object goes.
    private func end(_ name: String, _ object: ObjectTree) async throws {
        guard let pod = running[name] else { return }
        guard let deadline = pod.deadline else {
            pod.process.signal(SIGTERM)
            var seconds = 30.0
            if case .number(let given)? = object["metadata", "deletionGracePeriodSeconds"] { seconds = given }
            running[name]?.deadline = Date().addingTimeInterval(seconds)
            return
        }
        if Date() > deadline { pod.process.signal(SIGKILL) }
        guard !pod.process.isRunning else { return }
        logs.append(pod.process.output)
        running[name] = nil
        try await remove(name)
    }

    private func remove(_ name: String) async throws {
        let (status, text) = try await cluster.server.call("DELETE", "\(Self.pods)/\(name)?gracePeriodSeconds=0")
        guard status == 200 || status == 404 else {
            throw APIServer.Missing(description: "\(name) is not deleted: \(text.prefix(300))")
        }
    }
}
