import MeshTesting
import Testing

/// Envoy 1.40 before and behind our waypoint: nothing of ours but the waypoint touches the bytes.
@Suite("A waypoint between two Envoys", .serialized, .mesh { plan in
    var waypoint = MeshPodPlan("waypoint-0", node: 2, octet: 20)
    waypoint.serviceAccount = "waypoint"
    waypoint.isServing = false
    waypoint.labels["gateway.networking.k8s.io/gateway-name"] = "waypoint"
    plan.pods.append(waypoint)
    for index in plan.pods.indices {
        plan.pods[index].labels["networking.istio.io/tunnel"] = "http"
        plan.pods[index].labels["istio.io/dataplane-mode"] = "none"
    }
    plan.isAttached = false
})
struct WaypointEnvoyTests {
    private static let resources = """
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: { name: waypoint, namespace: shop }
        spec:
          gatewayClassName: istio-waypoint
          listeners: [ { name: mesh, port: 15008, protocol: HBONE } ]
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: api, namespace: shop, labels: { istio.io/use-waypoint: waypoint } }
        spec:
          clusterIP: 10.96.0.20
          selector: { app: api }
          ports: [ { name: http-web, port: 80, targetPort: 7080 } ]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: callers, namespace: shop }
        spec:
          targetRefs: [ { group: "", kind: Service, name: api } ]
          rules: [ { from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ] } ]

        """

    /// A port of loopback in the pod of web that leads to the service.
    private func client(_ mesh: MeshFixture, as identity: String, port: Int) async throws -> MeshProcess {
        let waypoint = try mesh.plan("waypoint-0")
        return try await mesh.startEnvoy(
            "client", in: "web", identity: identity,
            options: [
                "--peer", "\(waypoint.v4):15008", "--expect", waypoint.identity, "--tunnel",
                "127.0.0.1:\(port)=10.96.0.20:80",
            ], listeningOn: port)
    }

    private func server(_ mesh: MeshFixture, as identity: String) async throws -> MeshProcess {
        try await mesh.startEnvoy(
            "server", in: "api", identity: identity,
            options: [
                "--listen", "\(try mesh.plan("api").v4):15008", "--expect-prefix", "spiffe://cluster.local/",
                "--allow-port", "7080",
            ], listeningOn: 15008)
    }

    @Test("requests go through; callers are judged by what Envoy's certificate says, endpoints are known by theirs")
    func between() async throws {
        try await inMesh { mesh in
            try mesh.write("waypoint", Self.resources)
            let application = try await mesh.serveHTTP(in: "api", port: 7080)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let (web, cart, api) = (try mesh.plan("web"), try mesh.plan("cart"), try mesh.plan("api"))

            var endpoint = try await server(mesh, as: api.identity)
            let caller = try await client(mesh, as: web.identity, port: 9080)
            var answer = ""
            try await Wait.eventually("an answer through both Envoys", seconds: 20) {
                answer = try await mesh.web("web", "get", "127.0.0.1", "9080", "/through").output
                return answer.contains("200 OK")
            }
            let seen = answer.lowercased()
            let own = try mesh.plan("waypoint-0").identity
            #expect(seen.contains("x-forwarded-client-cert: by=\(own);uri=\(web.identity)"), "\(seen)")

            let stranger = try await client(mesh, as: cart.identity, port: 9081)
            let refused = try await mesh.web("web", "get", "127.0.0.1", "9081", "/stranger").output
            #expect(refused.contains("403 Forbidden") && refused.contains("RBAC: access denied"), "\(refused)")
            #expect(!application.output.contains("/stranger"))

            await endpoint.stop()
            endpoint = try await server(mesh, as: cart.identity)
            try await Wait.eventually("an endpoint with another name is not spoken to", seconds: 20) {
                try await mesh.web("web", "get", "127.0.0.1", "9080", "/other").output.contains("503 ")
            }
            #expect(!application.output.contains("/other"))
            for process in [caller, stranger, endpoint, waypoint] { await process.stop() }
            await application.stop()
        }
    }
}
