import MeshTesting
import Testing

/// Which rule a request takes.
extension Conformance {
    @Test("MeshHTTPRouteMatching, HTTPRouteMatching")
    func matching() async throws {
        try await conforming { mesh in
            let rules = """
                - matches:
                  - { path: { type: PathPrefix, value: / } }
                  - { headers: [ { name: version, value: one } ] }
                  \(Self.toV1)
                - matches:
                  - { path: { type: PathPrefix, value: /v2 } }
                  - { headers: [ { name: version, value: two } ] }
                  \(Self.toV2)
                """
            var expected: [Expectation] = ["/", "/example", "/v2example", "/foo/v2/example"].map {
                .reaches("echo-v1", Ask($0))
            }
            expected += ["/v2", "/v2/", "/v2/example"].map { .reaches("echo-v2", Ask($0)) }
            expected.append(.reaches("echo-v1", Ask("/", headers: [("Version", "one")])))
            expected.append(.reaches("echo-v2", Ask("/", headers: [("Version", "two")])))
            try await mesh.check([Self.route("matching", rules)], expected)
        }
    }

    @Test("HTTPRouteExactPathMatching")
    func exactPath() async throws {
        try await conforming { mesh in
            let rules = """
                - matches: [ { path: { type: Exact, value: /one } } ]
                  \(Self.toV1)
                - matches: [ { path: { type: Exact, value: /two } } ]
                  \(Self.toV2)
                """
            let missing = ["/", "/one/example", "/two/", "/Two"].map { Expectation.status(404, Ask($0)) }
            try await mesh.check(
                [Self.route("exact", rules)],
                [.reaches("echo-v1", Ask("/one")), .reaches("echo-v2", Ask("/two"))] + missing)
        }
    }

    @Test("HTTPRouteHeaderMatching")
    func header() async throws {
        try await conforming { mesh in
            func rule(_ matches: [[(String, String)]], _ backend: String) -> String {
                let matches = matches.map { headers in
                    let list = headers.map { "{ name: \($0.0), value: \($0.1) }" }.joined(separator: ", ")
                    return "  - { headers: [ \(list) ] }"
                }
                return "- matches:\n\(matches.joined(separator: "\n"))\n  \(backend)"
            }
            let rules = [
                rule([[("version", "one")]], Self.toV1), rule([[("version", "two")]], Self.toV2),
                rule([[("version", "two"), ("color", "orange")]], Self.toV1),
                rule([[("color", "blue")], [("color", "green")]], Self.toV1),
                rule([[("color", "red")], [("color", "yellow")]], Self.toV2),
            ].joined(separator: "\n")
            let one = { (pod: String, headers: [(String, String)]) in
                Expectation.reaches(pod, Ask("/", headers: headers))
            }
            try await mesh.check([Self.route("headers", rules)], [
                one("echo-v1", [("Version", "one")]), one("echo-v2", [("Version", "two")]),
                one("echo-v1", [("Version", "two"), ("Color", "orange")]),
                one("echo-v2", [("Version", "two"), ("Color", "purple")]),
                one("echo-v1", [("Color", "blue")]), one("echo-v1", [("Color", "green")]),
                one("echo-v2", [("Color", "red")]), one("echo-v2", [("Color", "yellow")]),
                .status(404, Ask("/", headers: [("Color", "orange")])),
                .status(404, Ask("/", headers: [("Color", "purple")])),
                .status(404, Ask("/", headers: [("Some-Other-Header", "one")])),
            ])
        }
    }

    @Test("HTTPRoutePathMatchOrder")
    func pathOrder() async throws {
        try await conforming { mesh in
            func rule(_ type: String, _ path: String, _ backend: String) -> String {
                "- matches: [ { path: { type: \(type), value: \(path) } } ]\n"
                    + "  backendRefs: [ { name: \(backend), port: 80 } ]"
            }
            let rules = [
                rule("PathPrefix", "/match/prefix/", "echo-v1"), rule("PathPrefix", "/match/prefix/one/", "echo-v2"),
                rule("PathPrefix", "/match/", "echo-v3"), rule("PathPrefix", "/match", "echo-v1"),
                rule("Exact", "/match/exact", "echo-v2"), rule("Exact", "/match/exact/one", "echo-v3"),
            ]
            let expected: [Expectation] = [
                .reaches("echo-v3", Ask("/match/exact/one")), .reaches("echo-v2", Ask("/match/exact")),
                .reaches("echo-v2", Ask("/match/prefix/one/any")), .reaches("echo-v1", Ask("/match/prefix/any")),
            ]
            try await mesh.check([Self.route("order", rules.joined(separator: "\n"))], expected)
            try await mesh.check([Self.route("order", rules.reversed().joined(separator: "\n"))], expected)
        }
    }

    @Test("MeshHTTPRouteQueryParamMatching, HTTPRouteQueryParamMatching")
    func query() async throws {
        try await conforming { mesh in
            let rules = """
                - matches: [ { queryParams: [ { name: animal, value: whale } ] } ]
                  \(Self.toV1)
                - matches: [ { queryParams: [ { name: animal, value: dolphin } ] } ]
                  \(Self.toV2)
                - matches:
                  - { queryParams: [ { name: animal, value: dolphin }, { name: color, value: blue } ] }
                  - { queryParams: [ { name: ANIMAL, value: Whale } ] }
                  backendRefs: [ { name: echo-v3, port: 80 } ]
                - matches:
                  - { path: { value: /path1 }, queryParams: [ { name: animal, value: whale } ] }
                  \(Self.toV1)
                - matches:
                  - { headers: [ { name: version, value: one } ], queryParams: [ { name: animal, value: whale } ] }
                  \(Self.toV2)
                - matches: [ { path: { value: /path5 } } ]
                  \(Self.toV1)
                - matches: [ { queryParams: [ { name: animal, value: hydra } ] } ]
                  backendRefs: [ { name: echo-v3, port: 80 } ]
                """
            let missing = ["/?color=blue", "/?animal=dog", "/?animal=whaledolphin", "/"].map {
                Expectation.status(404, Ask($0))
            }
            try await mesh.check([Self.route("query", rules)], [
                .reaches("echo-v1", Ask("/?animal=whale")), .reaches("echo-v2", Ask("/?animal=dolphin")),
                .reaches("echo-v3", Ask("/?animal=dolphin&color=blue")), .reaches("echo-v3", Ask("/?ANIMAL=Whale")),
                .reaches("echo-v1", Ask("/?animal=whale&otherparam=irrelevant")),
                .reaches("echo-v2", Ask("/?animal=dolphin&color=yellow")),
                .reaches("echo-v1", Ask("/path1?animal=whale")),
                .reaches("echo-v2", Ask("/?animal=whale", headers: [("version", "one")])),
                .reaches("echo-v1", Ask("/path5?animal=hydra")), .reaches("echo-v3", Ask("/?animal=hydra")),
            ] + missing)
        }
    }

    @Test("HTTPRouteMethodMatching")
    func method() async throws {
        try await conforming { mesh in
            let rules = """
                - matches: [ { method: POST } ]
                  \(Self.toV1)
                - matches: [ { method: GET } ]
                  \(Self.toV2)
                - matches: [ { path: { value: /path1 }, method: GET } ]
                  \(Self.toV1)
                - matches: [ { headers: [ { name: version, value: one } ], method: PUT } ]
                  \(Self.toV2)
                - matches: [ { path: { value: /path2 }, headers: [ { name: version, value: two } ], method: POST } ]
                  backendRefs: [ { name: echo-v3, port: 80 } ]
                - matches:
                  - { path: { value: /path3 }, method: PATCH }
                  - { path: { value: /path4 }, method: DELETE, headers: [ { name: version, value: three } ] }
                  \(Self.toV1)
                - matches: [ { path: { value: /path5 } } ]
                  \(Self.toV1)
                - matches: [ { method: PATCH } ]
                  \(Self.toV2)
                - matches: [ { headers: [ { name: version, value: four } ] } ]
                  backendRefs: [ { name: echo-v3, port: 80 } ]
                """
            func to(_ pod: String, _ method: String, _ path: String, _ version: String? = nil) -> Expectation {
                .reaches(pod, Ask(path, method: method, headers: version.map { [("version", $0)] } ?? []))
            }
            try await mesh.check([Self.route("method", rules)], [
                to("echo-v1", "POST", "/"), to("echo-v2", "GET", "/"), .status(404, Ask("/", method: "HEAD")),
                to("echo-v1", "GET", "/path1"), to("echo-v2", "PUT", "/", "one"),
                to("echo-v3", "POST", "/path2", "two"),
                to("echo-v1", "PATCH", "/path3"), to("echo-v1", "DELETE", "/path4", "three"),
                .status(404, Ask("/", method: "PUT")), .status(404, Ask("/path4", method: "DELETE")),
                to("echo-v1", "PATCH", "/path5"), to("echo-v2", "PATCH", "/", "four"),
            ])
        }
    }

    @Test("HTTPRouteListenerPortMatching")
    func port() async throws {
        try await conforming { mesh in
            let route = ConformanceMesh.httpRoute(
                "port", ConformanceMesh.parent("echo", port: 80) + "rules:\n- \(Self.toV1)")
            let other = ConformanceMesh.httpRoute(
                "port-alt", ConformanceMesh.parent("echo", port: 8080) + "rules:\n- \(Self.toV2)")
            try await mesh.check([route, other], [
                .reaches("echo-v1", Ask("/")), .reaches("echo-v2", Ask("/", port: 8080)),
            ])
        }
    }
}
