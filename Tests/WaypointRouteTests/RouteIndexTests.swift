import MeshModel
import Testing
import WaypointRoute

/// Tables of the conformance tests of the Gateway API; each test names its own.
@Suite("Matching of HTTP routes")
struct RouteIndexTests {
    /// Rules of one route, in order.
    private func index(
        _ rules: [([HTTPMatch], String)], hosts: [String] = [], name: String = "r"
    ) throws -> RouteIndex {
        RouteIndex(Make.table(try self.rules(rules, hosts: hosts, name: name)))
    }

    private func rules(_ rules: [([HTTPMatch], String)], hosts: [String] = [], name: String = "r") throws
        -> [HTTPRouteRule]
    {
        try rules.enumerated().map { number, rule in
            try HTTPRouteRule(
                origin: Make.origin(name, rule: number), hostnames: try hosts.map { try RouteHostname($0) },
                matches: rule.0, behaviour: Make.forward(rule.1))
        }
    }

    @Test("HTTPRouteExactPathMatching")
    func exactPath() throws {
        let index = try index([([HTTPMatch(.exact("/one"))], "v1"), ([HTTPMatch(.exact("/two"))], "v2")])
        for (path, backend) in [
            ("/one", "v1"), ("/two", "v2"), ("/", "404"), ("/one/example", "404"), ("/two/", "404"), ("/Two", "404"),
        ] {
            #expect(try index.backend(Make.head(path)) == backend, "\(path)")
        }
    }

    @Test("HTTPRouteMatching, MeshHTTPRouteMatching")
    func matching() throws {
        let index = try index([
            ([HTTPMatch(.prefix("/")), HTTPMatch(.prefix("/"), headers: [("version", "one")])], "v1"),
            ([HTTPMatch(.prefix("/v2")), HTTPMatch(.prefix("/"), headers: [("version", "two")])], "v2"),
        ])
        for (path, version, backend) in [
            ("/", nil, "v1"), ("/example", nil, "v1"), ("/", "one", "v1"), ("/v2example", nil, "v1"),
            ("/foo/v2/example", nil, "v1"), ("/v2", nil, "v2"), ("/v2/", nil, "v2"), ("/v2/example", nil, "v2"),
            ("/", "two", "v2"), ("/v2/example?a", nil, "v2"),
        ] as [(String, String?, String)] {
            let headers = version.map { [("Version", $0)] } ?? []
            #expect(try index.backend(Make.head(path, headers)) == backend, "\(path)")
        }
    }

    @Test("HTTPRouteMatchingAcrossRoutes")
    func acrossRoutes() throws {
        let one = try rules(
            [([HTTPMatch(.prefix("/")), HTTPMatch(.prefix("/"), headers: [("version", "one")])], "v1")],
            hosts: ["example.com", "example.net"], name: "one")
        let two = try rules(
            [([HTTPMatch(.prefix("/v2")), HTTPMatch(.prefix("/"), headers: [("version", "two")])], "v2")],
            hosts: ["example.com"], name: "two")
        let index = RouteIndex(Make.table(two + one))
        for (host, path, version, backend) in [
            ("example.com", "/", nil, "v1"), ("example.com", "/example", nil, "v1"), ("example.com", "/v2", nil, "v2"),
            ("example.com", "/v2/example", nil, "v2"), ("example.com", "/", "two", "v2"),
            ("example.net", "/example", nil, "v1"), ("example.net", "/v2", nil, "v1"), ("example.org", "/", nil, "404"),
        ] as [(String, String, String?, String)] {
            let headers = version.map { [("Version", $0)] } ?? []
            #expect(try index.backend(Make.head(path, headers, host: host)) == backend, "\(host)\(path)")
        }
    }

    @Test("HTTPRouteHeaderMatching")
    func headers() throws {
        let match = { (headers: [(String, String)]) in try HTTPMatch(.prefix("/"), headers: headers) }
        let index = try index([
            ([match([("version", "one")])], "v1"), ([match([("version", "two")])], "v2"),
            ([match([("version", "two"), ("color", "orange")])], "v1"),
            ([match([("color", "blue")]), match([("color", "green")])], "v1"),
            ([match([("color", "red")]), match([("color", "yellow")])], "v2"),
        ])
        for (headers, backend) in [
            ([("Version", "one")], "v1"), ([("Version", "two")], "v2"),
            ([("Version", "two"), ("Color", "orange")], "v1"), ([("Color", "blue")], "v1"),
            ([("Color", "green")], "v1"), ([("Color", "red")], "v2"), ([("Color", "yellow")], "v2"),
            ([("Color", "orange")], "404"),
            ([("Some-Other-Header", "one")], "404"), ([("Color", "purple")], "404"), ([("Version", "One")], "404"),
            ([("Color", "red"), ("Color", "blue")], "404"), ([("Color", " red\t")], "v2"),
        ] {
            #expect(try index.backend(Make.head("/", headers)) == backend, "\(headers)")
        }
    }

    @Test("HTTPRoutePathMatchOrder")
    func pathOrder() throws {
        let rules: [([HTTPMatch], String)] = [
            ([try HTTPMatch(.prefix("/match"))], "v1"), ([try HTTPMatch(.exact("/match/exact"))], "v2"),
            ([try HTTPMatch(.exact("/match/exact/one"))], "v3"), ([try HTTPMatch(.prefix("/match/prefix/one"))], "v2"),
            ([try HTTPMatch(.prefix("/match/prefix"))], "v1"), ([try HTTPMatch(.prefix("/match/any"))], "v3"),
        ]
        for order in [rules, rules.reversed()] {
            let index = try index(order)
            for (path, backend) in [
                ("/match/exact/one", "v3"), ("/match/exact", "v2"), ("/match", "v1"), ("/match/prefix/one/any", "v2"),
                ("/match/prefix/any", "v1"), ("/match/any", "v3"), ("/match/exact/", "v1"),
            ] {
                #expect(try index.backend(Make.head(path)) == backend, "\(path)")
            }
        }
    }

    @Test("HTTPRouteListenerHostnameMatching, HTTPRouteHostnameIntersection: wildcards, ports, case")
    func hostnames() throws {
        let one = try rules([([], "v1")], hosts: ["bar.com"], name: "a")
        let two = try rules([([], "v2")], hosts: ["foo.bar.com"], name: "b")
        let three = try rules([([], "v3")], hosts: ["*.bar.com", "*.foo.com"], name: "c")
        let index = RouteIndex(Make.table(three + two + one))
        for (host, backend) in [
            ("bar.com", "v1"), ("foo.bar.com", "v2"), ("baz.bar.com", "v3"), ("boo.bar.com", "v3"),
            ("multiple.prefixes.bar.com", "v3"), ("multiple.prefixes.foo.com", "v3"), ("foo.com", "404"),
            ("no.matching.host", "404"), ("bar.com:1234", "v1"), ("BAR.com", "v1"), ("bar.com.", "v1"),
            ("xbar.com", "404"), (".bar.com", "404"), ("10.0.0.1:80", "404"), ("[::1]:80", "404"),
        ] {
            #expect(try index.backend(Make.head("/", host: host)) == backend, "\(host)")
        }
    }

    @Test("a less specific hostname serves what a more specific one has no rule for")
    func hostnameFallback() throws {
        let exact = try rules([([HTTPMatch(.exact("/a"))], "exact")], hosts: ["x.foo.com"], name: "a")
        let near = try rules([([HTTPMatch(.prefix("/b"))], "near")], hosts: ["*.x.foo.com", "*.foo.com"], name: "b")
        let any = try rules([([], "any")], name: "c")
        let index = RouteIndex(Make.table(any + near + exact))
        for (path, backend) in [("/a", "exact"), ("/b", "near"), ("/c", "any")] {
            #expect(try index.backend(Make.head(path, host: "x.foo.com")) == backend)
        }
    }

    @Test("HTTPRouteQueryParamMatching")
    func query() throws {
        let match = { (query: [(String, String)]) in try HTTPMatch(.prefix("/"), query: query) }
        let index = try index([
            ([match([("animal", "whale")])], "v1"), ([match([("animal", "dolphin")])], "v2"),
            ([match([("animal", "dolphin"), ("color", "blue")]), match([("ANIMAL", "Whale")])], "v3"),
            ([HTTPMatch(.prefix("/path1"), query: [("animal", "whale")])], "v1"),
            ([HTTPMatch(.prefix("/"), headers: [("version", "one")], query: [("animal", "whale")])], "v2"),
            ([HTTPMatch(.prefix("/path2"), headers: [("version", "two")], query: [("animal", "whale")])], "v3"),
            ([HTTPMatch(.prefix("/path3"), query: [("animal", "shark")])], "v1"),
            (
                [HTTPMatch(.prefix("/path4"), headers: [("version", "three")], query: [("animal", "kraken")])], "v1"
            ),
            ([HTTPMatch(.prefix("/path5"), query: [("animal", "hydra")])], "v1"),
            ([HTTPMatch(.prefix("/"), headers: [("version", "four")])], "v3"),
        ])
        for (path, version, backend) in [
            ("/?animal=whale", nil, "v1"), ("/?animal=dolphin", nil, "v2"), ("/?animal=dolphin&color=blue", nil, "v3"),
            ("/?ANIMAL=Whale", nil, "v3"), ("/?animal=whale&otherparam=irrelevant", nil, "v1"),
            ("/?animal=dolphin&color=yellow", nil, "v2"), ("/?color=blue", nil, "404"), ("/?animal=dog", nil, "404"),
            ("/?animal=whaledolphin", nil, "404"), ("/", nil, "404"), ("/path1?animal=whale", nil, "v1"),
            ("/?animal=whale", "one", "v2"), ("/path2?animal=whale", "two", "v3"), ("/path3?animal=shark", nil, "v1"),
            ("/path4?animal=kraken", "three", "v1"), ("/?animal=shark", nil, "404"),
            ("/path4?animal=kraken", nil, "404"), ("/path5?animal=hydra", "four", "v1"),
            ("/?animal=hydra", "four", "v3"),
            ("/?animal=dog&animal=whale", nil, "404"),
        ] as [(String, String?, String)] {
            let headers = version.map { [("Version", $0)] } ?? []
            #expect(try index.backend(Make.head(path, headers)) == backend, "\(path)")
        }
    }

    @Test("HTTPRouteMethodMatching")
    func methods() throws {
        let version = { (text: String) in [("version", text)] }
        let index = try index([
            ([HTTPMatch(.prefix("/"), .post)], "v1"), ([HTTPMatch(.prefix("/"), .get)], "v2"),
            ([HTTPMatch(.prefix("/path1"), .get)], "v1"),
            ([HTTPMatch(.prefix("/"), .put, headers: version("one"))], "v2"),
            ([HTTPMatch(.prefix("/path2"), .post, headers: version("two"))], "v3"),
            ([HTTPMatch(.prefix("/path3"), .patch)], "v1"),
            ([HTTPMatch(.prefix("/path4"), .delete, headers: version("three"))], "v1"),
            ([HTTPMatch(.prefix("/path5"))], "v1"), ([HTTPMatch(.prefix("/"), .patch)], "v2"),
            ([HTTPMatch(.prefix("/"), headers: version("four"))], "v3"),
        ])
        for (request, name, backend) in [
            ("POST /", nil, "v1"), ("GET /", nil, "v2"), ("HEAD /", nil, "404"), ("GET /path1", nil, "v1"),
            ("PUT /", "one", "v2"), ("POST /path2", "two", "v3"), ("PATCH /path3", nil, "v1"),
            ("DELETE /path4", "three", "v1"), ("PUT /", nil, "404"), ("DELETE /path4", nil, "404"),
            ("PATCH /path5", nil, "v1"), ("PATCH /", "four", "v2"), ("PURGE /path5", nil, "v1"),
            ("PURGE /", nil, "404"),
        ] as [(String, String?, String)] {
            let headers = name.map { [("Version", $0)] } ?? []
            #expect(try index.backend(Make.head(request, headers)) == backend, "\(request)")
        }
    }

    @Test("the tail of the precedence: the oldest route, then its name, then the first rule")
    func tail() throws {
        let rule = { (name: String, rule: Int, created: Int64, backend: String) in
            try HTTPRouteRule(
                origin: Make.origin(name, rule: rule, created: created), behaviour: Make.forward(backend))
        }
        let a = try rule("a", 0, 2, "a")
        let b = try rule("b", 0, 1, "b")
        let c = try rule("c", 0, 1, "c")
        let b1 = try rule("b", 1, 1, "b1")
        for rules in [[a, b, c, b1], [b1, c, b, a], [c, a, b1, b]] {
            #expect(try RouteIndex(Make.table(rules)).backend(Make.head("/")) == "b")
        }
        #expect(try RouteIndex(Make.table([b1, c])).backend(Make.head("/")) == "b1")
    }

    @Test("regular expressions match whole paths and stand behind prefixes")
    func patterns() throws {
        let index = try index([
            ([HTTPMatch(.pattern("/api/v[0-9]+/users"))], "users"), ([HTTPMatch(.pattern("/api/v[0-9]+/.*"))], "api"),
            ([HTTPMatch(.prefix("/api/v1"))], "v1"), ([HTTPMatch(.pattern("/(a|b)/x"))], "choice"),
        ])
        for (path, backend) in [
            ("/api/v2/users", "users"), ("/api/v2/user", "api"), ("/api/v1/users", "v1"), ("/api/v/users", "404"),
            ("/a/x", "choice"), ("/b/x", "choice"), ("/c/x", "404"), ("/a/xy", "404"), ("/z/api/v2/users", "404"),
        ] {
            #expect(try index.backend(Make.head(path)) == backend, "\(path)")
        }
    }

    @Test("a rule whose expression is not understood refuses everything and says why")
    func invalidPattern() throws {
        let index = try index([
            ([HTTPMatch(.exact("/a")), HTTPMatch(.pattern("/(?=a)b"))], "v1"), ([HTTPMatch(.prefix("/"))], "v2"),
        ])
        #expect(try index.backend(Make.head("/a")) == "500")
        #expect(try index.backend(Make.head("/b")) == "v2")
        #expect(index.findings.map(\.origin) == [Make.origin("r")])
        #expect(index.findings.map(\.fault) == [.pattern("/(?=a)b", reason: "not supported: (?=")])
    }

    @Test("without routes a request goes to the service; with a route others are not found")
    func unrouted() throws {
        #expect(try RouteIndex(Make.table([])).backend(Make.head("/")) == "unrouted")
        #expect(try index([([HTTPMatch(.exact("/a"))], "v1")]).backend(Make.head("/")) == "404")
    }

    @Test("hosts are compared as header `host` too")
    func hostHeader() throws {
        let index = try index([([HTTPMatch(.prefix("/"), headers: [("Host", "echo-v1")])], "v1")])
        #expect(try index.backend(Make.head("/", host: "echo-v1")) == "v1")
        #expect(try index.backend(Make.head("/", host: "echo-v2")) == "404")
    }
}
