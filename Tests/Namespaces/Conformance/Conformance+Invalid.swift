import Foundation
import MeshTesting
import Testing

/// Routes with back ends that are not there, not allowed, or of no known kind; status is told by the translation tests.
extension Conformance {
    private static let elsewhere = """
        apiVersion: v1
        kind: Namespace
        metadata: { name: elsewhere }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: other, namespace: elsewhere }
        spec: { clusterIP: 10.96.9.9, ports: [ { name: http, port: 80 } ] }
        """

    @Test("HTTPRouteInvalidNonExistentBackendRef")
    func missingBackend() async throws {
        try await conforming { mesh in
            try await mesh.check(
                [Self.route("missing", "- backendRefs: [ { name: nonexistent, port: 80 } ]")], [.status(500, Ask("/"))])
        }
    }

    @Test("HTTPRouteInvalidBackendRefUnknownKind")
    func unknownKind() async throws {
        try await conforming { mesh in
            let rule = "- backendRefs: [ { group: unknownkind.example.com, kind: NonExistent, name: x, port: 80 } ]"
            try await mesh.check([Self.route("unknown", rule)], [.status(500, Ask("/"))])
        }
    }

    @Test("HTTPRouteNoBackendRefs")
    func noBackends() async throws {
        try await conforming { mesh in
            let rule = "- matches: [ { path: { value: / } } ]"
            try await mesh.check([Self.route("none", rule)], [.status(500, Ask("/"))])
        }
    }

    @Test("HTTPRoutePartiallyInvalidViaInvalidReferenceGrant")
    func partlyInvalid() async throws {
        try await conforming { mesh in
            let rules = """
                - backendRefs:
                  - { name: echo-v1, port: 80 }
                  - { name: nonexistent, port: 80 }
                """
            try await mesh.check([Self.route("partly", rules)], [
                Expectation(Ask("/")) { [200, 500].contains($0.status) ? nil : "expected 200 or 500" }
            ])
            let answers = try await mesh.ask(Array(repeating: Ask("/"), count: 60))
            #expect(Set(answers.map(\.status)) == [200, 500])
        }
    }

    @Test("HTTPRouteCrossNamespace; ISTIO-SECURITY-2026-002: a route changes nothing for callers of other namespaces")
    func crossNamespace() async throws {
        try await conforming { mesh in
            // A parent of another namespace makes a consumer's route, which only its own callers take.
            let route = ConformanceMesh.httpRoute("consumer", ConformanceMesh.parent("echo") + "rules:\n- \(Self.toV2)")
                .replacing("namespace: shop", with: "namespace: elsewhere")
                .replacing("name: echo,", with: "name: echo, namespace: shop,")
            try await mesh.check([Self.elsewhere, route], [.status(200, Ask("/"))])
            let answers = try await mesh.ask(Array(repeating: Ask("/"), count: 40))
            #expect(Set(answers.compactMap { $0.seen?.pod }) == ["echo-v1", "echo-v2"])
        }
    }

    @Test("HTTPRouteBackendProtocolWebSocket")
    func webSocket() async throws {
        try await conforming { mesh in
            try await mesh.check([Self.route("upgrade", "- \(Self.toV1)")], [.reaches("echo-v1", Ask("/"))])
            let server = try await mesh.mesh.serveHTTP(in: "echo-v3", port: 7081)
            try mesh.mesh.write("upgrade", """
                apiVersion: v1
                kind: Service
                metadata: { name: socket, namespace: shop, labels: { istio.io/use-waypoint: waypoint } }
                spec:
                  clusterIP: 10.96.1.9
                  selector: { version: echo-v3 }
                  ports: [ { name: ws, port: 80, targetPort: 7081, appProtocol: kubernetes.io/ws } ]

                """)
            try await Wait.eventually("an upgrade") {
                try await mesh.mesh.web("client", "upgrade", "10.96.1.9", "80").output.contains("echoed True")
            }
            await server.stop(SIGKILL)
            try mesh.mesh.remove("upgrade")
        }
    }
}
