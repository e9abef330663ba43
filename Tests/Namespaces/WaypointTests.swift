import Foundation
import MeshTesting
import Testing

/// A waypoint in a pod of its own, between a caller on the first node and a service on the second.
@Suite("A waypoint", .serialized, .mesh { plan in
    var waypoint = MeshPodPlan("waypoint-0", node: 2, octet: 20)
    waypoint.serviceAccount = "waypoint"
    waypoint.isServing = false
    waypoint.labels["gateway.networking.k8s.io/gateway-name"] = "waypoint"
    waypoint.labels["networking.istio.io/tunnel"] = "http"
    waypoint.labels["istio.io/dataplane-mode"] = "none"
    plan.pods.append(waypoint)
    for place in plan.pods.indices where ["api", "batch"].contains(plan.pods[place].name) {
        plan.pods[place].labels["group"] = "pair"
    }
    plan.isAttached = false
})
struct WaypointTests {
    static let address = "10.96.0.20"

    func prepare(_ mesh: MeshFixture) async throws {
        try mesh.write(
            "gateway",
            """
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
              clusterIP: \(Self.address)
              selector: { app: api }
              ports:
                - { name: http-web, port: 80, targetPort: 7080 }
                - { name: tcp-hello, port: 81, targetPort: 7001 }
                - { name: grpc, port: 82, targetPort: 7082 }

            """)
        for pod in ["web", "api"] { try await mesh.attach(pod) }
        try await mesh.untilCaptured(["web", "api"])
    }

    @Test("carries requests, upgrades and bytes with the caller's name; without it nothing passes")
    func carries() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            // The service has a waypoint and nobody is there.
            try await Wait.eventually("the caller's node knows the waypoint") {
                _ = try await mesh.web("web", "get", Self.address, "80", "/early")
                return mesh.log(1).contains("10.80.2.20:15008")
            }
            #expect(!server.output.contains("early"))
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let caller = try mesh.plan("web").identity

            var answer = try await mesh.web("web", "get", Self.address, "80", "/through")
            try await Wait.eventually("an answer") {
                answer = try await mesh.web("web", "get", Self.address, "80", "/through")
                return answer.status == 0 && answer.output.contains("200 OK")
            }
            let seen = answer.output.lowercased()
            #expect(seen.contains("get /through http/1.1"), "\(seen)")
            let own = "spiffe://cluster.local/ns/shop/sa/waypoint"
            #expect(seen.contains("x-forwarded-client-cert: by=\(own);uri=\(caller)"), "\(seen)")
            #expect(!seen.contains("forged"))
            try await Wait.eventually("one line of the waypoint says so") {
                waypoint.output.split(separator: "\n").contains { line in
                    line.contains("request complete") && line.contains("path=\"/through\"")
                        && line.contains("response_code=200") && line.contains("src.identity=\"\(caller)\"")
                }
            }

            let upgraded = try await mesh.web("web", "upgrade", Self.address, "80")
            #expect(upgraded.output.contains("echoed True"), "\(upgraded.output)")

            // The endpoint sees the waypoint as its peer; its node says that the waypoint's identity called.
            let hello = try await mesh.greeting(from: "web", to: Self.address, port: 81)
            #expect(hello.contains("hello from api, you are 10.80.2.20"), "\(hello)")
            try await Wait.eventually("the endpoint's node saw the waypoint") {
                mesh.log(2).contains("src.identity=\"\(own)\"")
            }

            await waypoint.stop()
            #expect(waypoint.status == 0 && waypoint.output.contains("waypoint stopped"), "\(waypoint.output)")
            let late = try await mesh.web("web", "get", Self.address, "80", "/late")
            #expect(!late.output.contains("200 OK"))
            await server.stop()
        }
    }

    @Test("carries gRPC of every kind, and GRPCRoute chooses among its methods")
    func carriesGRPC() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveGRPC(in: "api", port: 7082)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let target = "\(Self.address):82"
            try await Wait.eventually("a first call") {
                try await mesh.gRPC("web", target, "/grpc/Echo").output == "OK\n"
            }
            let all = try await mesh.gRPC("web", target)
            #expect(all.output.split(separator: "\n") == [
                "unary True", "server streams True", "client streams True", "both stream True",
                "deadline DEADLINE_EXCEEDED", "failure NOT_FOUND no such",
                "details True none of that name", "cancelled CANCELLED", "afterwards True",
            ])
            try await Wait.eventually("the server is told of the deadline") { server.output.contains("hold ended") }
            try await Wait.eventually("the log tells the status of a call") {
                waypoint.output.split(separator: "\n").contains { line in
                    line.contains("path=\"/grpc/Fail\"") && line.contains("response_code=200")
                        && line.contains("HTTP/2")
                }
            }

            try mesh.write(
                "grpc-route",
                """
                apiVersion: gateway.networking.k8s.io/v1
                kind: GRPCRoute
                metadata: { name: echo, namespace: shop }
                spec:
                  parentRefs: [ { group: "", kind: Service, name: api, port: 82 } ]
                  rules:
                  - matches:
                    - method: { service: grpc, method: Echo }
                      headers: [ { name: version, value: one } ]
                    backendRefs: [ { name: api, port: 82 } ]

                """)
            try await Wait.eventually("a method that no rule has") {
                try await mesh.gRPC("web", target, "/grpc/Count", "version=one").output == "UNIMPLEMENTED\n"
            }
            #expect(try await mesh.gRPC("web", target, "/grpc/Echo").output == "UNIMPLEMENTED\n")
            #expect(try await mesh.gRPC("web", target, "/grpc/Echo", "version=one").output == "OK\n")
            try mesh.remove("grpc-route")
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }

    @Test("lets one caller read and nobody delete, says which policy refused, and follows changes")
    func judges() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            try await mesh.attach("cart")
            try await mesh.untilCaptured(["cart"])
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try mesh.policy(
                "readers",
                """
                targetRefs: [ { group: "", kind: Service, name: api } ]
                action: ALLOW
                rules:
                - from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ]
                  to: [ { operation: { methods: [ GET ] } } ]
                """)
            try await Wait.eventually("a refused deletion") {
                let answer = try await mesh.web("web", "get", Self.address, "80", "/item", "DELETE")
                return answer.output.contains("403 Forbidden") && answer.output.contains("RBAC: access denied")
            }
            let read = try await mesh.web("web", "get", Self.address, "80", "/item")
            #expect(read.output.contains("200 OK"), "\(read.output)")
            let other = try await mesh.web("cart", "get", Self.address, "80", "/item")
            #expect(other.output.contains("403 Forbidden"), "\(other.output)")
            #expect(!server.output.contains("DELETE"))
            try await Wait.eventually("the log names what refused") {
                waypoint.output.split(separator: "\n").contains { line in
                    line.contains("response_code=403") && line.contains("rbac_access_denied")
                        && line.contains("shop/readers")
                }
            }

            try mesh.policy(
                "readers",
                """
                targetRefs: [ { group: "", kind: Service, name: api } ]
                action: DENY
                rules:
                - to: [ { operation: { paths: [ "/secret*" ] } } ]
                """)
            try await Wait.eventually("the changed policy") {
                try await mesh.web("cart", "get", Self.address, "80", "/item").output.contains("200 OK")
            }
            let secret = try await mesh.web("web", "get", Self.address, "80", "/open/../%73ecret/x")
            #expect(secret.output.contains("403 Forbidden"), "\(secret.output)")
            try await Wait.eventually("the log names the rule") {
                waypoint.output.contains("matched_policy[ns[shop]-policy[readers]-rule[0]]")
            }
            try mesh.remove("readers")
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }
}
