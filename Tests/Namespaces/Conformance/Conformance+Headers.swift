import MeshTesting
import Testing

/// Filters that change fields.
extension Conformance {
    /// Set, add, remove, several, and any case, as a filter of this kind.
    static func modifiers(_ indent: String, _ kind: String) -> [(path: String, filter: String)] {
        let field = kind.prefix(1).lowercased() + kind.dropFirst()
        func filter(_ body: String) -> String {
            "\(indent)filters: [ { type: \(kind), \(field): { \(body) } } ]"
        }
        return [
            ("/set", filter("set: [ { name: X-Header-Set, value: set-overwrites-values } ]")),
            ("/add", filter("add: [ { name: X-Header-Add, value: add-appends-values } ]")),
            ("/remove", filter("remove: [ X-Header-Remove ]")),
            (
                "/multiple",
                filter(
                    "set: [ { name: X-Header-Set-1, value: header-set-1 }, "
                        + "{ name: X-Header-Set-2, value: header-set-2 } ], "
                        + "add: [ { name: X-Header-Add-1, value: header-add-1 }, "
                        + "{ name: X-Header-Add-2, value: header-add-2 } ], "
                        + "remove: [ X-Header-Remove-1, X-Header-Remove-2 ]")
            ),
            (
                "/case-insensitivity",
                filter(
                    "set: [ { name: X-Header-Set, value: header-set } ], "
                        + "add: [ { name: X-Header-Add, value: header-add } ], remove: [ x-header-remove ]")
            ),
        ]
    }

    static let requests: [(path: String, sent: [(String, String)], seen: [String: String?])] = [
        ("/set", [("Some-Other-Header", "val")], ["some-other-header": "val", "x-header-set": "set-overwrites-values"]),
        ("/set", [("X-Header-Set", "some-other-value")], ["x-header-set": "set-overwrites-values"]),
        ("/add", [("Some-Other-Header", "val")], ["some-other-header": "val", "x-header-add": "add-appends-values"]),
        ("/add", [("X-Header-Add", "some-other-value")], ["x-header-add": "some-other-value,add-appends-values"]),
        ("/remove", [("X-Header-Remove", "val")], ["x-header-remove": nil]),
        (
            "/multiple",
            [
                ("X-Header-Set-2", "set-val-2"), ("X-Header-Add-2", "add-val-2"), ("X-Header-Remove-2", "remove-val-2"),
                ("Another-Header", "another-header-val"),
            ],
            [
                "x-header-set-1": "header-set-1", "x-header-set-2": "header-set-2", "x-header-add-1": "header-add-1",
                "x-header-add-2": "add-val-2,header-add-2", "another-header": "another-header-val",
                "x-header-remove-1": nil, "x-header-remove-2": nil,
            ]
        ),
        (
            "/case-insensitivity",
            [
                ("x-header-set", "original-val-set"), ("x-header-add", "original-val-add"),
                ("X-Header-Remove", "original-val-remove"), ("Another-Header", "another-header-val"),
            ],
            [
                "x-header-set": "header-set", "x-header-add": "original-val-add,header-add", "x-header-remove": nil,
                "another-header": "another-header-val",
            ]
        ),
    ]

    @Test("MeshHTTPRouteRequestHeaderModifier, HTTPRouteRequestHeaderModifier")
    func requestHeaders() async throws {
        try await conforming { mesh in
            let rules = Self.modifiers("  ", "RequestHeaderModifier").map { path, filter in
                "- matches: [ { path: { value: \(path) } } ]\n\(filter)\n  \(Self.toV1)"
            }
            try await mesh.check(
                [Self.route("headers", rules.joined(separator: "\n"))],
                Self.requests.map { .reaches("echo-v1", Ask($0.path, headers: $0.sent)).seeing($0.seen) })
        }
    }

    @Test("MeshHTTPRouteBackendRequestHeaderModifier, HTTPRouteBackendRequestHeaderModifier")
    func backendRequestHeaders() async throws {
        try await conforming { mesh in
            let rules = Self.modifiers("    ", "RequestHeaderModifier").map { path, filter in
                "- matches: [ { path: { value: \(path) } } ]\n  backendRefs:\n  - name: echo-v1\n    port: 80\n"
                    + filter
            }
            try await mesh.check(
                [Self.route("headers", rules.joined(separator: "\n"))],
                Self.requests.map { .reaches("echo-v1", Ask($0.path, headers: $0.sent)).seeing($0.seen) })
        }
    }

    @Test("HTTPRouteRequestHeaderModifierBackendWeights")
    func backendWeights() async throws {
        try await conforming { mesh in
            let rules = """
                - backendRefs:
                  - name: echo-v1
                    port: 80
                    weight: 60
                    filters:
                    - type: RequestHeaderModifier
                      requestHeaderModifier: { set: [ { name: Backend, value: echo-v1 } ] }
                  - name: echo-v2
                    port: 80
                    weight: 40
                    filters:
                    - type: RequestHeaderModifier
                      requestHeaderModifier: { set: [ { name: Backend, value: echo-v2 } ] }
                """
            try await mesh.check([Self.route("weights", rules)], [.status(200, Ask("/"))])
            let answers = try await mesh.ask(Array(repeating: Ask("/"), count: 100))
            #expect(answers.allSatisfy { $0.seen != nil && $0.seen?.header("backend") == $0.seen?.pod })
        }
    }

    @Test("HTTPRouteResponseHeaderModifier")
    func responseHeaders() async throws {
        try await conforming { mesh in
            let rules = Self.modifiers("  ", "ResponseHeaderModifier").map { path, filter in
                "- matches: [ { path: { value: \(path) } } ]\n\(filter)\n  \(Self.toV1)"
            }
            let expected = Self.requests.map { request in
                let fields = request.sent.map { "head=\($0.0):\($0.1)" }.joined(separator: "&")
                return Expectation.reaches("echo-v1", Ask("\(request.path)?\(fields)")).answering(request.seen)
            }
            try await mesh.check([Self.route("headers", rules.joined(separator: "\n"))], expected)
        }
    }

    @Test("HTTPRouteCORS")
    func crossOrigin() async throws {
        try await conforming { mesh in
            let rules = """
                - matches: [ { path: { value: /cors-1 } } ]
                  filters:
                  - type: CORS
                    cors:
                      allowOrigins: [ "https://www.foo.com", "https://*.bar.com" ]
                      allowMethods: [ GET, OPTIONS ]
                      allowHeaders: [ "x-header-1", "x-header-2" ]
                      exposeHeaders: [ "x-header-3", "x-header-4" ]
                      allowCredentials: true
                      maxAge: 3600
                  \(Self.toV1)
                """
            func preflight(_ origin: String) -> Ask {
                Ask("/cors-1", method: "OPTIONS", headers: [
                    ("Origin", origin), ("Access-Control-Request-Method", "GET"),
                    ("Access-Control-Request-Headers", "x-header-1, x-header-2"),
                ])
            }
            func allowed(_ origin: String) -> Expectation {
                .status(200, preflight(origin)).answering([
                    "access-control-allow-origin": origin, "access-control-max-age": "3600",
                    "access-control-allow-credentials": "true",
                ])
            }
            try await mesh.check([Self.route("cors", rules)], [
                allowed("https://www.foo.com"), allowed("https://www.bar.com"), allowed("https://xpto.www.bar.com"),
                Expectation(preflight("https://foobar.com")) { answer in
                    answer.header("access-control-allow-origin") == nil ? nil : "expected no allowed origin"
                },
                .reaches("echo-v1", Ask("/cors-1", headers: [("Origin", "https://www.foo.com")])).answering([
                    "access-control-allow-origin": "https://www.foo.com", "access-control-allow-credentials": "true",
                ]),
                .reaches("echo-v1", Ask("/cors-1", headers: [("Origin", "https://other.com")])).answering([
                    "access-control-allow-origin": nil
                ]),
            ])
        }
    }
}
