import Foundation
import MeshTesting

/// A cluster of two nodes: a real API server and its controllers; scheduler, kubelets, container runtimes, kube-proxy
/// and DNS are played.
final class PlayedCluster: Sendable {
    let server: APIServer
    let nodes: [PlayedNode]
    let kubelet: KubeletPlayer
    private let controllers: MeshProcess
    private let playing: Task<Void, Never>

    private static let controllerNames = [
        "namespace", "deployment", "replicaset", "daemonset", "endpointslice", "garbagecollector", "serviceaccount",
        "root-ca-cert-publisher",
    ]

    /// Runs `body` with a cluster and takes it down again.
    static func with(_ body: (PlayedCluster) async throws -> Void) async throws {
        let cluster = try await PlayedCluster()
        do {
            try await body(cluster)
        } catch {
            let told = await cluster.diagnosis()
            await cluster.stop()
            throw MeshFixture.StepFailure(cause: "\(error)", logs: told)
        }
        await cluster.stop()
    }

    private init() async throws {
        let server = try await APIServer(accounts: true)
        let folder = server.directory.path
        let networks = try MeshNetwork.makeNodes(folder)
        try Self.join(server.namespace, networks)
        var nodes: [PlayedNode] = []
        for (index, network) in networks.enumerated() {
            nodes.append(try await PlayedNode(index + 1, network, in: folder))
        }
        for node in nodes { try await Self.register(node, server) }
        try await Self.defineKinds(server)
        controllers = try server.startControllers(
            Self.controllerNames, ["--root-ca-file=\(folder)/ca.pem", "--concurrent-gc-syncs=4"])
        let kubelet = try KubeletPlayer(server, nodes)
        (self.server, self.nodes, self.kubelet) = (server, nodes, kubelet)
        playing = Task { await kubelet.run() }
    }

    /// The API server behind the first node.
    private static func join(_ server: TestNamespace, _ nodes: [TestNamespace]) throws {
        try nodes[0].run("ip", "link", "add", "api", "type", "veth", "peer", "name", "cluster", "netns", server.name)
        try nodes[0].run("ip", "address", "add", "10.81.0.1/24", "dev", "api")
        try nodes[0].run("ip", "link", "set", "api", "up")
        try server.run("ip", "address", "add", "\(APIServer.address)/24", "dev", "cluster")
        try server.run("ip", "link", "set", "cluster", "up")
        try server.run("ip", "route", "add", "default", "via", "10.81.0.1")
        try nodes[1].run("ip", "route", "add", "10.81.0.0/24", "via", "10.80.0.1")
    }

    private static func register(_ node: PlayedNode, _ server: APIServer) async throws {
        try await server.must(
            "POST", "/api/v1/nodes",
            """
            {"metadata":{"name":"\(node.name)","labels":{"kubernetes.io/hostname":"\(node.name)",\
            "kubernetes.io/os":"linux"}}}
            """)
        let merge = "application/merge-patch+json"
        try await server.must(
            "PATCH", "/api/v1/nodes/\(node.name)/status",
            """
            {"status":{"addresses":[{"type":"InternalIP","address":"\(node.address)"}],\
            "conditions":[{"type":"Ready","status":"True"}]}}
            """, type: merge)
        // A new node is tainted until it is ready.
        try await server.must("PATCH", "/api/v1/nodes/\(node.name)", #"{"spec":{"taints":null}}"#, type: merge)
    }

    /// The Gateway API and Istio's kinds, as their own installations define them.
    private static func defineKinds(_ server: APIServer) async throws {
        let gateway = "gateway.networking.k8s.io"
        try await server.define(gateway, "gatewayclasses", "GatewayClass", version: "v1", scope: "Cluster")
        try await server.define(gateway, "gateways", "Gateway", version: "v1")
        try await server.define(gateway, "httproutes", "HTTPRoute", version: "v1")
        for (plural, kind) in [
            ("authorizationpolicies", "AuthorizationPolicy"), ("peerauthentications", "PeerAuthentication"),
        ] {
            try await server.define("security.istio.io", plural, kind, version: "v1")
        }
    }

    // MARK: - Looking

    /// Waits until a condition holds; fails at once when the cluster does not go on.
    func until(_ subject: String, seconds: Double = 60, _ condition: () async throws -> Bool) async throws {
        try await Wait.eventually(subject, seconds: seconds, everyMilliseconds: 100) {
            if let failure = await kubelet.failure { throw APIServer.Missing(description: "the cluster: \(failure)") }
            return try await condition()
        }
    }

    /// The pod that lives with this label.
    func pod(_ namespace: String, _ label: String, _ value: String, node: Int? = nil) async throws -> PlayedPod {
        let found = await kubelet.pods.values.first {
            $0.key.hasPrefix("\(namespace)/") && $0.labels[label] == .text(value)
                && (node == nil || $0.node.number == node)
        }
        guard let found else { throw APIServer.Missing(description: "no pod of \(namespace) with \(label)=\(value)") }
        return found
    }

    /// Everything that pods whose names begin like this have printed, also those that are gone.
    func logs(_ prefix: String) async -> String {
        await kubelet.everyPod.filter { $0.key.hasPrefix(prefix) }.map(\.log).joined()
    }

    /// Ends of the logs, for the message of a failed test.
    func diagnosis() async -> String {
        var text = "--- troubles\n\(await kubelet.troubles().joined(separator: "\n"))\n"
        for pod in await kubelet.everyPod {
            let lines = pod.log.split(separator: "\n").suffix(15).joined(separator: "\n")
            text += "--- \(pod.key) on \(pod.node.name), \(pod.address)\n\(lines)\n"
        }
        return text + "--- controllers\n\(server.log("controller").suffix(1500))\n"
    }

    private func stop() async {
        playing.cancel()
        await playing.value
        for node in nodes { await node.stop() }
        await controllers.stop()
        await server.stop()
    }
}
