import MeshModel
import Testing
import WaypointRoute

/// Security bulletins of Istio about paths, hosts and headers: what a router of ours must not fall for.
@Suite("Bulletins")
struct BulletinTests {
    /// `/admin` is one rule, everything else another.
    private func index() throws -> RouteIndex {
        let admin = try HTTPRouteRule(
            origin: Make.origin("a"), matches: [HTTPMatch(.exact("/admin")), HTTPMatch(.prefix("/admin/x"))],
            behaviour: Make.forward("admin"))
        let rest = try HTTPRouteRule(origin: Make.origin("b"), behaviour: Make.forward("rest"))
        return RouteIndex(Make.table([admin, rest]))
    }

    @Test(
        "2020-001, 2021-005, 2021-008: no way of writing a path leads around its rule",
        arguments: [
            "/admin", "/admin?", "/admin?x=y", "/%61dmin", "/%61%64%6D%69%6e", "/./admin", "/x/../admin",
            "/x/%2e%2e/admin", "/%2E/admin", "\\admin", "/x\\..\\admin", "/admin/x/", "/admin/%78", "/admin//../x",
            "/admin/x?/../../rest",
        ])
    func sameRule(_ target: String) throws {
        guard target.hasPrefix("/") else {
            #expect(throws: RequestError.notOriginForm) { try RequestPath(Array(target.utf8)) }
            return
        }
        #expect(try index().backend(Make.head(target)) == "admin")
    }

    @Test("what goes on is what was matched: a second reading finds the same rule")
    func forwardedAsMatched() throws {
        for target in ["/x/../admin", "/%61dmin", "/%2561dmin", "/admin%2fx", "/a//admin", "/admin/..%2fx"] {
            let head = try Make.head(target)
            let again = try Make.head(String(decoding: head.path.target, as: UTF8.self))
            #expect(try index().backend(head) == index().backend(again))
            #expect(head.path == again.path)
        }
    }

    @Test("ISTIO-SECURITY-2021-008: a fragment is refused; host case and port do not matter to a route")
    func fragmentAndHost() throws {
        #expect(throws: RequestError.fragment) { try RequestPath("/admin#x".utf8) }
        let rule = try HTTPRouteRule(
            origin: Make.origin("a"), hostnames: [try RouteHostname("a.example")], behaviour: Make.forward("v1"))
        let index = RouteIndex(Make.table([rule]))
        for host in ["a.example", "A.EXAMPLE", "a.example:80", "a.example.", "a.example:"] {
            #expect(try index.backend(Make.head("/", host: host)) == "v1", "\(host)")
        }
    }

    @Test("ISTIO-SECURITY-2024-003: an authority is a host and a port, nothing else", arguments: [
        "", ":80", "a:b", "a:0", "a:65536", "a:80:80", "user@a", "a/b", "a b", "a,b", "a\r\nb", "a\u{0}", "é", "[::1",
        "[]", "[::1]x", "[a.example]:80", ".", "a:+80", "a:00000000000000000080000", String(repeating: "a", count: 256),
    ])
    func authority(_ text: String) {
        #expect(throws: RequestError.authority) { try RequestAuthority(Array(text.utf8)) }
    }

    @Test("ISTIO-SECURITY-2023-004: mixed-case methods are refused, mixed-case schemes are understood")
    func methodAndScheme() throws {
        for method in ["Get", "gET", "post", "", "G T", "GET\r\n", String(repeating: "A", count: 33)] {
            #expect(throws: RequestError.method, "\(method)") { try RequestMethod(Array(method.utf8)) }
        }
        #expect(try RequestMethod("PURGE".utf8) == .other(Array("PURGE".utf8)))
        #expect(try HTTPScheme(request: "hTTps".utf8) == .https)
        #expect(throws: RequestError.scheme) { try HTTPScheme(request: "ftp".utf8) }
    }

    @Test("ISTIO-SECURITY-2019-007, 2020-010: blanks around values do not count, several fields of a name do")
    func headerValues() throws {
        let rule = try HTTPRouteRule(
            origin: Make.origin("a"), matches: [HTTPMatch(.prefix("/"), headers: [("x-tenant", "a")])],
            behaviour: Make.forward("v1"))
        let index = RouteIndex(Make.table([rule]))
        for (headers, backend) in [
            ([("X-Tenant", "a")], "v1"), ([("x-tenant", " \ta\t ")], "v1"),
            ([("x-tenant", "a"), ("x-tenant", "b")], "404"), ([("x-tenant", "b"), ("X-TENANT", "a")], "404"),
            ([("x-tenant", "A")], "404"), ([("x-tenant", "a,")], "404"),
            ([("x_tenant", "a")], "404"),
        ] {
            #expect(try index.backend(Make.head("/", headers)) == backend, "\(headers)")
        }
    }

    @Test("ISTIO-SECURITY-2020-008: a wildcard stands for labels in front of the domain, never for a part of one")
    func wildcard() throws {
        let rule = try HTTPRouteRule(
            origin: Make.origin("a"), hostnames: [try RouteHostname("*.a.example")], behaviour: Make.forward("v1"))
        let index = RouteIndex(Make.table([rule]))
        for (host, backend) in [
            ("x.a.example", "v1"), ("a.example", "404"), ("xa.example", "404"), (".a.example", "404"),
        ] {
            #expect(try index.backend(Make.head("/", host: host)) == backend, "\(host)")
        }
    }

    @Test("a value that a route writes cannot bring a second header with it")
    func injection() throws {
        #expect(throws: RouteValueError.headerValue("a\r\nset-cookie: x")) {
            try HeaderField(try HeaderName("x"), "a\r\nset-cookie: x")
        }
        #expect(throws: RouteValueError.path("/a\r\nb")) { try ReplacementPath("/a\r\nb") }
    }
}
