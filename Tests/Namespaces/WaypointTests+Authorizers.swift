import Foundation
import MeshTesting
import Testing

/// External authorizers as real processes in the mesh. The one for gRPC is written with Envoy's own messages and takes
/// questions apart as OPA's Envoy plugin does (opa-envoy-plugin, envoyauth/request.go and response.go): it needs a path
/// with its query, names of headers in lower case, a body that is text, and a content-length that fits; and it answers
/// with fields that do not say whether they are appended. OPA itself is in neither Debian nor PyPI.
extension WaypointTests {
    private static let providers =
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: istio, namespace: istio-system }
        data:
          mesh: |-
            extensionProviders:
            - name: by-grpc
              envoyExtAuthzGrpc:
                service: guard.shop.svc.cluster.local
                port: 9000
                timeout: 5s
                includeRequestBodyInCheck: { maxRequestBytes: 4096, allowPartialMessage: true }
            - name: by-http
              envoyExtAuthzHttp:
                service: guard.shop.svc.cluster.local
                port: 8000
                pathPrefix: /check
                timeout: 5s
                includeRequestHeadersInCheck: [ "x-pa*" ]
                headersToUpstreamOnAllow: [ x-user ]
            - name: open
              envoyExtAuthzGrpc: { service: guard.shop.svc.cluster.local, port: 9000, timeout: 5s, failOpen: true }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: guard, namespace: shop }
        spec:
          clusterIP: 10.96.0.21
          selector: { app: cart }
          ports: [ { name: grpc, port: 9000 }, { name: http-check, port: 8000 } ]

        """

    private func ask(_ mesh: MeshFixture, provider: String) throws {
        try mesh.policy(
            "asked",
            """
            targetRefs: [ { group: "", kind: Service, name: api } ]
            action: CUSTOM
            provider: { name: \(provider) }
            rules:
            - to: [ { operation: { paths: [ "/asked*" ] } } ]
            """)
    }

    /// Status and head of what a caller of `api` gets.
    private func get(
        _ mesh: MeshFixture, _ path: String = "/asked/a?q=1", pass: String = "yes"
    ) async throws -> (status: String, text: String) {
        let answer = try await mesh.web("web", "get", Self.address, "80", path, "GET", "X-Pass: \(pass)", "X-User: eve")
        return (String(answer.output.dropFirst("HTTP/1.1 ".count).prefix(3)), answer.output.lowercased())
    }

    @Test("asks authorizers in the mesh, closes when they are gone, and opens again when they are back")
    func asksAuthorizers() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            try await mesh.attach("cart")
            try await mesh.untilCaptured(["cart"])
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            try mesh.write("authorizers", Self.providers)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try await Wait.eventually("requests pass") { try await get(mesh).status == "200" }

            // Nobody is there yet: closed.
            try ask(mesh, provider: "by-grpc")
            try await Wait.eventually("closed without the authorizer") { try await get(mesh).status == "403" }
            try await Wait.eventually("the log says why") {
                waypoint.output.contains("external authorizer by-grpc gave no answer")
                    && waypoint.output.contains("ext_authz_error") && waypoint.output.contains("UAEX")
            }
            var guardian = try await mesh.serveAuthorizer("grpc", in: "cart", port: 9000)
            try await Wait.eventually("it is asked") { try await get(mesh).status == "200" }
            let allowed = try await get(mesh)
            #expect(allowed.text.contains("x-user: bob") && !allowed.text.contains("eve"), "\(allowed.text)")
            #expect(allowed.text.contains("x-judged: grpc"), "\(allowed.text)")
            let denied = try await get(mesh, pass: "no")
            #expect(denied.status == "401" && denied.text.contains("who are you"), "\(denied.text)")
            #expect(denied.text.contains("x-why: no pass"), "\(denied.text)")
            let own = "spiffe://cluster.local/ns/shop/sa/waypoint"
            let told = guardian.output
            #expect(told.contains(#""parsed_path": ["asked", "a"], "parsed_query": {"q": ["1"]}"#), "\(told)")
            #expect(told.contains("\"source\": \"\(try mesh.plan("web").identity)\""), "\(told)")
            #expect(told.contains("\"destination\": \"\(own)\"") && told.contains("\"host\": \"\(Self.address)\""))
            // The way to it is the mesh's: its node has seen the waypoint's certificate.
            let node = try mesh.plan("cart").node
            try await Wait.eventually("the authorizer's node saw the waypoint") {
                mesh.log(node).split(separator: "\n").contains {
                    $0.contains("src.identity=\"\(own)\"") && $0.contains(":9000")
                }
            }
            try await Wait.eventually("the log tells of the denial") {
                waypoint.output.contains("external authorizer by-grpc denied it (shop/asked, rule 0)")
            }

            await guardian.stop(SIGKILL)
            try await Wait.eventually("closed again") { try await get(mesh).status == "403" }
            #expect(try await get(mesh, "/free").status == "200")
            try ask(mesh, provider: "open")
            try await Wait.eventually("open on failure") { try await get(mesh, pass: "no").status == "200" }
            guardian = try await mesh.serveAuthorizer("grpc", in: "cart", port: 9000)
            try await Wait.eventually("asked again") { try await get(mesh, pass: "no").status == "401" }
            #expect(try await get(mesh).status == "200")
            await guardian.stop(SIGKILL)

            try ask(mesh, provider: "by-http")
            try await Wait.eventually("closed without the other one") { try await get(mesh).status == "403" }
            guardian = try await mesh.serveAuthorizer("http", in: "cart", port: 8000)
            try await Wait.eventually("that one is asked") { try await get(mesh).status == "200" }
            let http = try await get(mesh)
            #expect(http.text.contains("x-user: bob") && !http.text.contains("x-judged"), "\(http.text)")
            let refused = try await get(mesh, pass: "no")
            #expect(refused.status == "401" && refused.text.contains("who are you"), "\(refused.text)")
            #expect(guardian.output.contains("\"path\": \"/check/asked/a?q=1\""), "\(guardian.output)")
            #expect(!guardian.output.contains("x-user"))

            try ask(mesh, provider: "nobody")
            try await Wait.eventually("a provider that nobody knows") {
                try await get(mesh).text.contains("rbac: access denied")
            }
            await guardian.stop(SIGKILL)
            for name in ["asked", "authorizers"] { try mesh.remove(name) }
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }
}
