import MeshTesting
import Testing

@Suite("A service", .serialized, .mesh { plan in
    var second = MeshPodPlan("api-2", node: 1, octet: 12)
    second.labels["app"] = "api"
    plan.pods.append(second)
})
struct ServiceTests {
    private func write(_ mesh: MeshFixture) throws {
        try mesh.write(
            "service",
            """
            apiVersion: v1
            kind: Service
            metadata: { name: api, namespace: shop }
            spec:
              clusterIP: 10.96.0.10
              clusterIPs: [ 10.96.0.10, "fd96::10" ]
              selector: { app: api }
              ports: [ { name: hello, port: 80, targetPort: 7001 } ]

            """)
    }

    @Test("is reached by its virtual addresses, spreads over its endpoints, and leaves out one that is not ready")
    func endpoints() async throws {
        try await inMesh { mesh in
            try write(mesh)
            for address in ["10.96.0.10", "fd96::10"] {
                try await Wait.eventually("an answer of \(address)") {
                    try await mesh.answers(from: "web", to: address, port: 80)
                }
                let texts = try await mesh.greeting(from: "web", to: address, port: 80, count: 40)
                for name in ["api,", "api-2,"] {
                    let count = texts.components(of: "hello from \(name)")
                    #expect(count >= 5, "\(name) answered \(count) of 40 at \(address)")
                }
            }
            var second = try mesh.plan("api-2")
            second.isReady = false
            try mesh.write("pod-api-2", second.yaml)
            try await Wait.eventually("only the ready one answers") {
                try await mesh.greeting(from: "web", to: "10.96.0.10", port: 80, count: 20)
                    .components(of: "hello from api,") == 20
            }
            try mesh.write("pod-api-2", try mesh.plan("api-2").yaml)
            try await Wait.eventually("both answer again") {
                try await mesh.greeting(from: "web", to: "10.96.0.10", port: 80, count: 20)
                    .contains("hello from api-2,")
            }
        }
    }

    @Test("goes on over the other endpoint when one application is gone")
    func failover() async throws {
        try await inMesh { mesh in
            try write(mesh)
            try await Wait.eventually("an answer") { try await mesh.answers(from: "web", to: "10.96.0.10", port: 80) }
            try await mesh.stopServer("api-2")
            let texts = try await mesh.greeting(from: "web", to: "10.96.0.10", port: 80, count: 20)
            #expect(texts.components(of: "hello from api,") == 20)
            try mesh.serve("api-2")
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { split(separator: "\n").filter { $0.contains(part) }.count }
}
