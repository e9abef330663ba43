import Foundation
import MeshTesting
import Testing

/// Replicas of apusd with nodes that carry traffic.
@Suite("Replicas under load at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct TakeoverTests {
    private static let policies = "/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies"

    @Test("a leader that is killed is noticed by no request; pods, policies and certificates go on",
        .timeLimit(.minutes(5)))
    func killed() async throws {
        let cluster = try await ClusterMesh(late: ["cart"])
        try await cluster.run {
            let mesh = cluster.mesh
            try await cluster.addService()
            try await cluster.startReplicas(2, ["--certificate-lifetime", "30s"])
            let leader = try await cluster.leader()
            let other = 1 - leader
            try await cluster.startNodes([[leader, other], [leader, other]])
            try await cluster.capture(["web", "api", "batch"])
            let server = try await mesh.serveLoad(in: "api", port: 7080)
            let load = try mesh.load(from: "web", to: ClusterMesh.serviceAddress, port: 80, perSecond: 200)
            try await load.expectAnswers(200)

            cluster.replicas[leader].kill()
            try await load.expectAnswers(200)
            // A pod of an account that nobody had a certificate for.
            try await cluster.addPod("cart")
            try await cluster.capture(["cart"])
            #expect(try await get(mesh, from: "cart").contains("200 OK"))
            #expect(mesh.log(2).contains("src.identity=\"spiffe://cluster.local/ns/shop/sa/cart\""))
            // A policy that nobody had.
            try await cluster.server.must("POST", Self.policies, Self.denial(of: "batch"))
            try await Wait.eventually("a refusal", seconds: 30, everyMilliseconds: 100) {
                try await !get(mesh, from: "batch").contains("200 OK")
            }
            #expect(try await get(mesh, from: "cart").contains("200 OK"))
            try await Wait.eventually("the other leads", seconds: 40, everyMilliseconds: 100) {
                try await cluster.leads(cluster.replicas[other])
            }
            try await untilAnnotated(cluster, "cart")
            // That of `cart`, and all four once more.
            try await Wait.eventually("certificates are renewed", seconds: 60, everyMilliseconds: 500) {
                try await issued(cluster.replicas[other]) >= 5
            }
            try await load.expectAnswers(200)
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
            await server.stop()
        }
    }

    @Test("a pod that leaves is reached by nodes whose replica is behind", .timeLimit(.minutes(5)))
    func left() async throws {
        let cluster = try await ClusterMesh()
        try await cluster.run {
            let mesh = cluster.mesh
            try await cluster.addService()
            try await cluster.startReplicas(2)
            try await cluster.startNodes([[0, 1], [1, 0]])
            try await cluster.capture(["web", "api"])
            let server = try await mesh.serveLoad(in: "api", port: 7080)
            // A connection for each request: what lives on would keep the pod from going.
            let load = try mesh.load(
                from: "web", to: ClusterMesh.serviceAddress, port: 80, perSecond: 100, fresh: 20)
            try await load.expectAnswers(200)
            for mode in ["none", "ambient"] {
                try await cluster.replicas[0].paused(seconds: 0.7) {
                    try await cluster.server.must(
                        "PATCH", "/api/v1/namespaces/shop/pods/api",
                        #"{"metadata":{"labels":{"istio.io/dataplane-mode":"\#(mode)"}}}"#,
                        type: "application/merge-patch+json")
                }
                try await mesh.untilState(["api"], mode == "none" ? "attached" : "captured", seconds: 60)
                try await load.expectAnswers(200)
            }
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
            await server.stop()
        }
    }

    private func issued(_ replica: ControlPlane) async throws -> Int {
        let name = #"apusd_certificates_total{result="issued"} "#
        let line = try await replica.page("/metrics").split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }

    private func get(_ mesh: MeshFixture, from pod: String) async throws -> String {
        try await mesh.web(pod, "get", ClusterMesh.serviceAddress, "80", "/x").output
    }

    private func untilAnnotated(_ cluster: ClusterMesh, _ pod: String) async throws {
        try await Wait.eventually("the annotation of \(pod)", seconds: 30, everyMilliseconds: 200) {
            try await cluster.server.value("/api/v1/namespaces/shop/pods/\(pod)", "metadata/annotations")
                .contains(#""ambient.istio.io/redirection":"enabled""#)
        }
    }

    private static func denial(of account: String) -> String {
        """
        {"apiVersion":"security.istio.io/v1","kind":"AuthorizationPolicy","metadata":{"name":"no-\(account)"},\
        "spec":{"action":"DENY","selector":{"matchLabels":{"app":"api"}},"rules":[{"from":[{"source":\
        {"principals":["cluster.local/ns/shop/sa/\(account)"]}}]}]}}
        """
    }
}
