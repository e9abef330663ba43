import Foundation
import MeshTesting
import Testing

/// `apus explain` beside the requests that it explains.
extension WaypointTests {
    private struct Case {
        let method, path: String
        let status: Int
        /// What the explanation has to name.
        let reason: String
    }

    private static let cases = [
        Case(method: "GET", path: "/open/x", status: 200, reason: "allowed by: shop/readers, rule 0"),
        Case(method: "GET", path: "/secret/../open/x", status: 200, reason: "GET /open/x,"),
        Case(method: "DELETE", path: "/open/x", status: 403, reason: "explicitly denied by: shop/no-delete, rule 0"),
        Case(method: "GET", path: "/open/%2e%2e/secret", status: 403, reason: "but none allowed: shop/readers"),
        Case(method: "GET", path: "/away/x", status: 302, reason: "HTTPRoute shop/api, rule 1"),
        Case(method: "GET", path: "/nothing", status: 404, reason: "route_not_found"),
        Case(method: "GET", path: "/broken", status: 500, reason: "BackendNotFound"),
    ]

    @Test("apus explain says of each request what the request itself gets, and why")
    func explains() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let socket = "\(mesh.directory.path)/waypoint.sock"
            let options = ["--waypoint-socket", socket, "--host", Self.address]
            // Its pod is written, so that nodes go there, but nobody answers.
            try await Wait.eventually("nobody can be asked about the request") {
                let early = try await mesh.explain(["shop/web", "shop/api:80", "GET", "/open"] + options)
                return early.status == 2 && early.output.contains("Is waypoint shop/waypoint running")
            }
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0", settings: ["APUS_SOCKET": socket])
            try rules(mesh)
            try await Wait.eventually("rules and policies are in force") {
                let refused = try await mesh.web("web", "get", Self.address, "80", "/open/x", "DELETE").output
                let missing = try await mesh.web("web", "get", Self.address, "80", "/nothing").output
                return refused.contains(" 403 ") && missing.contains(" 404 ")
            }
            for one in Self.cases {
                let answer = try await mesh.web("web", "get", Self.address, "80", one.path, one.method)
                #expect(answer.output.hasPrefix("HTTP/1.1 \(one.status) "), "\(one): \(answer.output)")
                let said = try await mesh.explain(
                    ["shop/web", "->", "10.96.0.20:80", one.method, one.path] + options)
                #expect(said.status == (one.status < 400 ? 0 : 1), "\(one): \(said.output)")
                #expect(said.output.contains(one.reason), "\(one): \(said.output)")
                let result = one.status == 200 ? "an endpoint answers" : ": \(one.status)"
                #expect(said.output.split(separator: "\n").last?.contains(result) == true, "\(one): \(said.output)")
                #expect(!said.output.contains("explained by the resources"), "\(said.output)")
            }
            try await Wait.eventually("the log has the method and the path of what was refused") {
                waypoint.output.split(separator: "\n").contains { line in
                    ["response_code=403", "DELETE", "/open/x", "shop/no-delete"].allSatisfy { line.contains($0) }
                }
            }
            await waypoint.stop()
            // The same by the resources alone.
            for one in Self.cases {
                let said = try await mesh.apus(
                    ["explain", "shop/web", "shop/api:80", one.method, one.path, "--host", Self.address, "--offline"]
                        + ["--resources", mesh.resources])
                #expect(said.status == (one.status < 400 ? 0 : 1), "\(one): \(said.output)")
                #expect(said.output.contains(one.reason), "\(one): \(said.output)")
            }
            for name in ["no-delete", "readers", "routes"] { try mesh.remove(name) }
            await server.stop(SIGKILL)
        }
    }

    private func rules(_ mesh: MeshFixture) throws {
        let target = "targetRefs: [ { group: \"\", kind: Service, name: api } ]"
        let deletes = "rules: [ { to: [ { operation: { methods: [ DELETE ] } } ] } ]"
        try mesh.policy("no-delete", "\(target)\naction: DENY\n\(deletes)")
        try mesh.policy("readers", "\(target)\nrules: [ { to: [ { operation: { notPaths: [ \"/secret*\" ] } } ] } ]")
        try mesh.write(
            "routes",
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: { name: api, namespace: shop }
            spec:
              parentRefs: [ { group: "", kind: Service, name: api, port: 80 } ]
              rules:
              - matches: [ { path: { type: PathPrefix, value: /open } } ]
                backendRefs: [ { name: api, port: 80 } ]
              - matches: [ { path: { type: PathPrefix, value: /away } } ]
                filters: [ { type: RequestRedirect, requestRedirect: { hostname: new.example } } ]
              - matches: [ { path: { type: PathPrefix, value: /broken } } ]
                backendRefs: [ { name: nowhere, port: 80 } ]

            """)
    }
}

extension MeshFixture {
    /// Runs `apus explain` on the caller's node.
    fileprivate func explain(_ words: [String]) async throws -> Outcome {
        try await apus(["explain"] + words + ["--socket", socket(1)])
    }
}
