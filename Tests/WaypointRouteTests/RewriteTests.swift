import MeshModel
import Testing
import WaypointRoute

@Suite("Rewrites and header changes")
struct RewriteTests {
    @Test(
        "a prefix is replaced as the table of the Gateway API says",
        arguments: [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"), ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"), ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"), ("/foo/", "/foo", "/xyz", "/xyz/"), ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"), ("/foo", "/foo", "", "/"), ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/foo", "/foo/", "/xyz", "/xyz"), ("/bar", "/", "/xyz", "/xyz/bar"), ("/", "/", "/xyz", "/xyz/"),
            ("/foo/bar?a=/foo&b", "/foo", "/xyz", "/xyz/bar?a=/foo&b"), ("/foo?", "/foo", "/xyz", "/xyz?"),
            // MeshHTTPRouteRewritePath, HTTPRouteRewritePath
            ("/prefix/one/two", "/prefix/one", "/one", "/one/two"),
            ("/strip-prefix/three", "/strip-prefix", "/", "/three"), ("/strip-prefix", "/strip-prefix", "/", "/"),
            ("/prefix/modify-headers/one", "/prefix/modify-headers", "/prefix", "/prefix/one"),
        ])
    func prefix(_ request: String, _ prefix: String, _ replacement: String, _ expected: String) throws {
        let rewrite = URLRewrite(path: .prefix(try ReplacementPath(replacement)))
        #expect(try rewritten(request, .prefix(prefix), rewrite) == expected)
    }

    @Test(
        "a whole path is replaced, the query stays",
        arguments: [
            ("/full/one/two", "/one", "/one"), ("/full/rewrite-path-and-modify-headers/test", "/test", "/test"),
            ("/a?b=c", "/one", "/one?b=c"), ("/a?b=c", "", "/?b=c"),
        ])
    func full(_ request: String, _ replacement: String, _ expected: String) throws {
        let rewrite = URLRewrite(path: .full(try ReplacementPath(replacement)))
        #expect(try rewritten(request, .prefix("/"), rewrite) == expected)
    }

    /// The target that is forwarded, by way of a rule and its plan.
    private func rewritten(_ request: String, _ match: PathMatch, _ rewrite: URLRewrite) throws -> String {
        let behaviour = RouteBehaviour(.forward(to: [RouteBackend(.service(Make.target("v1")))], rewrite: rewrite))
        let plan = try Make.plan(try Make.head(request), [HTTPMatch(path: match)], behaviour)
        guard case .forward(let forward) = plan else { return "\(plan)" }
        return String(decoding: forward.head.path.target, as: UTF8.self)
    }

    @Test("HTTPRouteRewriteHost, HTTPRouteBackendURLRewrite: host and path of a back end come in place of the rule's")
    func host() throws {
        let rule = URLRewrite(hostname: try DomainName("one.example.org"))
        let own = URLRewrite(
            hostname: try DomainName("two.example.org"), path: .prefix(try ReplacementPath("/rewritten-prefix")))
        for (filters, host, path) in [
            (BackendFilters.none, "one.example.org", "/prefix/original"),
            (BackendFilters(action: .forward(own)), "two.example.org", "/rewritten-prefix/original"),
        ] {
            let backend = RouteBackend(.service(Make.target("v1")), filters: filters)
            let behaviour = RouteBehaviour(.forward(to: [backend], rewrite: rule))
            let head = try Make.head("/prefix/original", host: "rewrite.example:8080")
            let plan = try Make.plan(head, [HTTPMatch(.prefix("/prefix"))], behaviour)
            guard case .forward(let forward) = plan else { throw Unexpected(plan) }
            #expect(String(decoding: forward.head.authority.bytes, as: UTF8.self) == host)
            #expect(String(decoding: forward.head.path.target, as: UTF8.self) == path)
        }
    }

    private func modified(_ headers: [(String, String)], _ modifier: HeaderModifier) -> [String] {
        var list = HeaderList(headers)
        list.apply(modifier)
        return list.pairs.map { "\($0.name): \($0.value)" }
    }

    private func fields(_ pairs: [(String, String)]) throws -> [HeaderField] {
        try pairs.map { try HeaderField(try HeaderName($0.0), $0.1) }
    }

    @Test("MeshHTTPRouteRequestHeaderModifier: set, add, remove, several, case, order")
    func headers() throws {
        let set = try HeaderModifier(set: fields([("X-Header-Set", "set-overwrites-values")]))
        #expect(modified([("Some", "h")], set) == ["some: h", "x-header-set: set-overwrites-values"])
        #expect(
            modified([("x-HEADER-set", "1"), ("Some", "h"), ("X-Header-Set", "2")], set)
                == ["x-header-set: set-overwrites-values", "some: h"])
        let add = try HeaderModifier(add: fields([("X-Header-Add", "add-appends-values")]))
        #expect(
            modified([("X-Header-Add", "some-other-value"), ("b", "c")], add)
                == ["x-header-add: some-other-value", "b: c", "x-header-add: add-appends-values"])
        let remove = try HeaderModifier(remove: [try HeaderName("X-Header-Remove")])
        #expect(modified([("x-header-remove", "1"), ("a", "b"), ("X-Header-Remove", "2")], remove) == ["a: b"])
        #expect(modified([("a", "b")], remove) == ["a: b"])
        let several = try HeaderModifier(
            set: fields([("X-Header-Set-1", "one"), ("X-Header-Set-2", "two")]),
            add: fields([("X-Header-Add-1", "one"), ("X-Header-Add-1", "two")].dropLast()),
            remove: [try HeaderName("X-Header-Remove-1"), try HeaderName("X-Header-Remove-2")])
        #expect(
            modified([("X-Header-Set-2", "set-2"), ("X-Header-Remove-1", "1"), ("X-Another-Header", "a")], several)
                == ["x-header-set-2: two", "x-another-header: a", "x-header-set-1: one", "x-header-add-1: one"])
        var joined = HeaderList([("A", "1"), ("a", " 2 "), ("b", "3")])
        #expect(joined["A"] == "1,2")
        joined.apply(try HeaderModifier(add: fields([("a", "3")])))
        #expect(joined["a"] == "1,2,3" && joined["B"] == "3" && joined["c"] == nil)
    }

    @Test("HTTPRouteBackendRequestHeaderModifier, HTTPRouteResponseHeaderModifier: rule first, then back end")
    func headersOfBackend() throws {
        let modifier = { (value: String) in try HeaderModifier(set: self.fields([("x", value)])) }
        let filters = BackendFilters(requestHeaders: try modifier("backend"), responseHeaders: try modifier("backend"))
        let behaviour = RouteBehaviour(
            .forward(to: [RouteBackend(.service(Make.target("v1")), filters: filters)]),
            requestHeaders: try modifier("rule"), responseHeaders: try modifier("rule"))
        let plan = try Make.plan(try Make.head("/"), [], behaviour)
        guard case .forward(let forward) = plan else { throw Unexpected(plan) }
        #expect(forward.head.headers["x"] == "backend")
        var response = HeaderList([("X", "application")])
        forward.finishResponse(&response)
        #expect(response["x"] == "backend")
    }

    @Test("a header that sets the host changes the authority, and never removes it")
    func hostHeader() throws {
        var head = try Make.head("/", [("a", "b")])
        head.apply(try HeaderModifier(set: fields([("Host", "other.example:81")])))
        #expect(String(decoding: head.authority.bytes, as: UTF8.self) == "other.example:81")
        head.apply(try HeaderModifier(remove: [try HeaderName("host")]))
        #expect(String(decoding: head.authority.bytes, as: UTF8.self) == "other.example:81")
        #expect(head.headers.pairs.map(\.name) == ["a"])
    }
}
