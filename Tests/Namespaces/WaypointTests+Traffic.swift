import Foundation
import MeshTesting
import Testing

extension WaypointTests {
    private static let pair = "10.96.0.21"

    @Test("leaves out an endpoint that fails or is in quarantine, and refuses more requests than a limit allows")
    func traffic() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            try await mesh.attach("cart")
            try await mesh.untilCaptured(["cart"])
            let servers = [
                try await mesh.serveHTTP(in: "api", port: 7080),
                try await mesh.serveHTTP(in: "batch", port: 7080, status: "500 Broken"),
            ]
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try mesh.write(
                "pair",
                """
                apiVersion: v1
                kind: Service
                metadata: { name: pair, namespace: shop, labels: { istio.io/use-waypoint: waypoint } }
                spec:
                  clusterIP: \(Self.pair)
                  selector: { group: pair }
                  ports: [ { name: http-web, port: 80, targetPort: 7080 } ]

                """)
            func statuses(_ count: Int, _ pod: String) async throws -> [String] {
                var statuses: [String] = []
                for _ in 0..<count {
                    let output = try await mesh.web(pod, "get", Self.pair, "80", "/").output
                    statuses.append(String(output.dropFirst("HTTP/1.1 ".count).prefix(3)))
                }
                return statuses
            }
            try await Wait.eventually("both endpoints answer", seconds: 40) {
                Set(try await statuses(8, "web")) == ["200", "500"]
            }
            try await failing(mesh, statuses)
            try await quarantined(mesh, statuses)
            try await limited(mesh, waypoint)
            try mesh.remove("pair")
            await waypoint.stop()
            for server in servers { await server.stop(SIGKILL) }
        }
    }

    private typealias Asking = (_ count: Int, _ pod: String) async throws -> [String]

    private func failing(_ mesh: MeshFixture, _ statuses: Asking) async throws {
        try mesh.write(
            "outliers",
            """
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: { name: pair, namespace: shop }
            spec:
              host: pair
              trafficPolicy:
                loadBalancer: { simple: ROUND_ROBIN }
                outlierDetection:
                  { consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 300s, maxEjectionPercent: 100 }

            """)
        try await Wait.eventually("the failing endpoint is out", seconds: 40) {
            Set(try await statuses(8, "web")) == ["200"]
        }
        try mesh.remove("outliers")
        try await Wait.eventually("without the rule it is asked again", seconds: 40) {
            Set(try await statuses(8, "web")) == ["200", "500"]
        }
    }

    private func quarantined(_ mesh: MeshFixture, _ statuses: Asking) async throws {
        var batch = try mesh.plan("batch")
        batch.labels["apus.io/quarantine"] = "true"
        try mesh.write("pod-batch", batch.yaml)
        try await Wait.eventually("nobody is sent there", seconds: 40) {
            Set(try await statuses(8, "web")) == ["200"]
        }
        try mesh.write(
            "guard",
            """
            apiVersion: apus.io/v1
            kind: TrafficGuard
            metadata: { name: pair, namespace: shop }
            spec:
              targetRefs: [ { name: pair } ]
              quarantine: { callers: [ cluster.local/ns/shop/sa/cart ] }

            """)
        try await Wait.eventually("the named caller is", seconds: 40) {
            Set(try await statuses(4, "cart")) == ["500"]
        }
        #expect(Set(try await statuses(4, "web")) == ["200"])
        try mesh.write("pod-batch", try mesh.plan("batch").yaml)
    }

    private func limited(_ mesh: MeshFixture, _ waypoint: MeshProcess) async throws {
        try mesh.write(
            "guard",
            """
            apiVersion: apus.io/v1
            kind: TrafficGuard
            metadata: { name: pair, namespace: shop }
            spec:
              targetRefs: [ { name: pair } ]
              rateLimits:
              - { key: { type: Identity }, maxTokens: 3, fillInterval: 3600s }

            """)
        var answer = ""
        try await Wait.eventually("the limit is reached", seconds: 40) {
            answer = try await mesh.web("web", "get", Self.pair, "80", "/").output
            return answer.hasPrefix("HTTP/1.1 429 ")
        }
        #expect(answer.contains("local_rate_limited") && answer.contains("x-ratelimit-limit: 3"), "\(answer)")
        #expect(answer.contains("x-ratelimit-remaining: 0"), "\(answer)")
        let other = try await mesh.web("cart", "get", Self.pair, "80", "/").output
        #expect(other.contains("x-ratelimit-remaining: 2") && !other.contains(" 429 "), "\(other)")
        try await Wait.eventually("the log says so") { waypoint.output.contains("response_flags=RL") }
        try mesh.remove("guard")
    }
}
