import Foundation
import MeshTesting
import Testing

/// A rate limit service as a real process in the mesh, written with Envoy's own messages.
extension WaypointTests {
    private static let service =
        """
        apiVersion: v1
        kind: Service
        metadata: { name: limiter, namespace: shop }
        spec:
          clusterIP: 10.96.0.22
          selector: { app: cart }
          ports: [ { name: grpc, port: 8081 } ]

        """

    private func limit(_ mesh: MeshFixture, port: Int = 8081, more: String = "") throws {
        try mesh.write(
            "limit",
            """
            apiVersion: apus.io/v1
            kind: TrafficGuard
            metadata: { name: limit, namespace: shop }
            spec:
              targetRefs: [ { name: api } ]
              globalRateLimit:
                service: { name: limiter, port: \(port) }
                domain: shop
                timeout: 5s
                \(more)
                descriptors:
                - entries: [ { type: Identity }, { type: Header, header: x-user, key: user } ]

            """)
    }

    private func get(_ mesh: MeshFixture, from pod: String = "web", user: String) async throws -> String {
        try await mesh.web(pod, "get", Self.address, "80", "/", "GET", "X-User: \(user)").output.lowercased()
    }

    @Test("asks the rate limit service by who calls; without it requests are refused, unless that is said otherwise")
    func asksRateLimitService() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            try await mesh.attach("cart")
            try await mesh.untilCaptured(["cart"])
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            try mesh.write("limiter", Self.service)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try await Wait.eventually("requests pass") { try await get(mesh, user: "a").hasPrefix("http/1.1 200 ") }

            try limit(mesh)
            try await Wait.eventually("refused without the service") {
                try await get(mesh, user: "a").hasPrefix("http/1.1 500 ")
            }
            try await Wait.eventually("the log says why") {
                waypoint.output.contains("response_flags=RLSE") && waypoint.output.contains("gave no answer")
            }
            let limiter = try await mesh.serveLimiter(in: "cart", port: 8081, limit: 2)
            try await Wait.eventually("it is asked") { try await get(mesh, user: "a").hasPrefix("http/1.1 200 ") }
            let second = try await get(mesh, user: "a")
            #expect(second.hasPrefix("http/1.1 200 ") && second.contains("x-ratelimit-remaining: 0"), "\(second)")
            let third = try await get(mesh, user: "a")
            #expect(third.hasPrefix("http/1.1 429 ") && third.contains("x-envoy-ratelimited: true"), "\(third)")
            #expect(third.contains("x-ratelimit-limit: 2") && third.contains("x-limiter: seen"), "\(third)")
            for (pod, user) in [("web", "b"), ("cart", "a")] {
                let other = try await get(mesh, from: pod, user: user)
                #expect(other.hasPrefix("http/1.1 200 ") && other.contains("x-ratelimit-remaining: 1"), "\(other)")
            }
            for pod in ["web", "cart"] {
                let entry = "[\"source_identity\", \"\(try mesh.plan(pod).identity)\"], [\"user\", \"a\"]"
                #expect(limiter.output.contains(entry), "\(limiter.output)")
            }
            // The way to it is the mesh's: its node has seen the waypoint's certificate.
            let node = try mesh.plan("cart").node
            try await Wait.eventually("the service's node saw the waypoint") {
                mesh.log(node).split(separator: "\n").contains {
                    $0.contains("src.identity=\"spiffe://cluster.local/ns/shop/sa/waypoint\"") && $0.contains(":8081")
                }
            }
            try await Wait.eventually("the log tells of the limit") { waypoint.output.contains("request_rate_limited") }

            await limiter.stop(SIGKILL)
            try await Wait.eventually("refused again") { try await get(mesh, user: "c").hasPrefix("http/1.1 500 ") }
            try limit(mesh, more: "failOpen: true")
            try await Wait.eventually("let through") { try await get(mesh, user: "a").hasPrefix("http/1.1 200 ") }
            try limit(mesh, port: 9999)
            try await Wait.eventually("a service that is not there closes") {
                try await get(mesh, user: "a").hasPrefix("http/1.1 500 ")
            }
            for name in ["limit", "limiter"] { try mesh.remove(name) }
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }
}
