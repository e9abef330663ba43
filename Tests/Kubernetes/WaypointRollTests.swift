import Foundation
import MeshTesting
import Testing

/// Waypoints as pods of a real Deployment, under load.
@Suite("Waypoints under load at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct WaypointRollTests {
    private static let namespace = "/api/v1/namespaces/shop"
    private static let gateways = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/shop/gateways"
    private static let patch = "application/merge-patch+json"
    private static let slots = [
        MeshPodPlan("slot-1", node: 1, octet: 21), MeshPodPlan("slot-2", node: 2, octet: 21),
        MeshPodPlan("slot-3", node: 1, octet: 22), MeshPodPlan("slot-4", node: 2, octet: 22),
    ]

    /// A mesh with a waypoint `way` that is programmed, and load from `web` to `api`.
    /// - Parameters:
    ///   - order: which replicas each node is led to; waypoints as the second.
    ///   - seconds: how long the load's connections live.
    private func withWaypoint(
        label: String, order: [[Int]], seconds: Int? = nil,
        _ body: (ClusterMesh, WaypointPlayer, RequestLoad) async throws -> Void
    ) async throws {
        let cluster = try await ClusterMesh(
            pods: MeshPodPlan.standard + Self.slots, late: Set(Self.slots.map(\.name)))
        let controllers = try cluster.server.startControllers(["deployment", "replicaset", "garbagecollector"])
        let player = WaypointPlayer(cluster, slots: Self.slots.map(\.name))
        try await cluster.run {
            try await cluster.server.define("gateway.networking.k8s.io", "gateways", "Gateway")
            try await cluster.addService(labels: label)
            try await cluster.startReplicas(
                2,
                [
                    "--waypoint-image", "apus/waypoint:1", "--waypoint-control-plane",
                    "https://\(ClusterMesh.controlAddress):15014",
                ])
            try await cluster.startNodes(order)
            try await cluster.capture(["web", "api"])
            let server = try await cluster.mesh.serveLoad(in: "api", port: 7080)
            try await overlay(cluster, version: "one", method: "POST")
            try await cluster.server.must(
                "POST", Self.gateways,
                """
                {"apiVersion":"gateway.networking.k8s.io/v1beta1","kind":"Gateway","metadata":{"name":"way"},"spec":\
                {"gatewayClassName":"istio-waypoint","listeners":[{"name":"mesh","port":15008,"protocol":"HBONE"}],\
                "infrastructure":{"parametersRef":{"group":"","kind":"ConfigMap","name":"options"}}}}
                """)
            try await player.until("programmed", seconds: 60) { try await isProgrammed(cluster) }
            let load = try cluster.mesh.load(
                from: "web", to: ClusterMesh.serviceAddress, port: 80, perSecond: 200, seconds: seconds)
            try await load.expectAnswers(200)
            try await body(cluster, player, load)
            await player.stop()
            await server.stop()
        }
        await controllers.stop()
    }

    private func overlay(_ cluster: ClusterMesh, version: String, method: String) async throws {
        let path = "\(Self.namespace)/configmaps" + (method == "POST" ? "" : "/options")
        try await cluster.server.must(
            method, path,
            """
            {"metadata":{"name":"options"},"data":{"deployment":\
            "spec: {template: {metadata: {annotations: {version: \(version)}}}}"}}
            """, type: method == "POST" ? "application/json" : Self.patch)
    }

    private func isProgrammed(_ cluster: ClusterMesh) async throws -> Bool {
        let conditions = try await cluster.server.value("\(Self.gateways)/way", "status/conditions")
        return try ObjectTree(json: conditions.isEmpty ? "[]" : conditions).items
            .contains { $0["type"]?.text == "Programmed" && $0["status"]?.text == "True" }
    }

    /// Version of each pod of the waypoint.
    private func versions(_ cluster: ClusterMesh) async throws -> [String] {
        let path = "\(Self.namespace)/pods?labelSelector=gateway.networking.k8s.io/gateway-name"
        return try ObjectTree(json: try await cluster.server.call("GET", path).text)["items"]?.items
            .map { $0["metadata", "annotations", "version"]?.text ?? "" } ?? []
    }

    private func bind(_ cluster: ClusterMesh, _ waypoint: String?) async throws {
        try await cluster.server.must(
            "PATCH", "\(Self.namespace)/services/api",
            #"{"metadata":{"labels":{"istio.io/use-waypoint":\#(waypoint.map { "\"\($0)\"" } ?? "null")}}}"#,
            type: Self.patch)
    }

    @Test("one that is rolled drains, and so does one whose Gateway is deleted: no request fails",
        .timeLimit(.minutes(5)))
    func rolled() async throws {
        try await withWaypoint(
            label: #"{"istio.io/use-waypoint":"way"}"#, order: [[0, 1], [1, 0]]
        ) { cluster, player, load in
            #expect(load.counts.through > 100)
            try await overlay(cluster, version: "two", method: "PATCH")
            try await player.until("the new pods alone", seconds: 120) {
                try await versions(cluster) == ["two"]
            }
            try await load.expectAnswers(200)
            #expect(load.counts.failed == 0, "\(load.counts)")
            #expect(load.counts.answered == load.counts.through, "\(load.counts)")

            try await bind(cluster, nil)
            try await cluster.server.must("DELETE", "\(Self.gateways)/way")
            try await player.until("no pods", seconds: 90) { try await versions(cluster).isEmpty }
            try await load.expectAnswers(200)
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
        }
    }

    @Test("a replica that is behind makes no request fail when waypoints change", .timeLimit(.minutes(5)))
    func behind() async throws {
        try await withWaypoint(label: "{}", order: [[0, 1], [1, 0]], seconds: 3) { cluster, _, load in
            #expect(load.counts.through == 0)
            // The waypoint hears later than the node that is to call it.
            try await cluster.replicas[1].paused(seconds: 1) { try await bind(cluster, "way") }
            try await Wait.eventually("through the waypoint", seconds: 30) { load.counts.through > 200 }
            #expect(load.counts.failed == 0, "\(load.counts)")
            // And earlier than the node that is to leave it.
            try await cluster.replicas[0].paused(seconds: 1) { try await bind(cluster, nil) }
            try await load.expectAnswers(400)
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
        }
    }
}
