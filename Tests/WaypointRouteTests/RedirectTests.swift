import MeshModel
import Testing
import WaypointRoute

@Suite("Redirects")
struct RedirectTests {
    /// `STATUS LOCATION` of a rule that redirects what has this prefix.
    private func redirect(
        _ request: String, _ redirect: RequestRedirect, prefix: String = "/", scheme: HTTPScheme = .http,
        host: String = "echo", port: UInt16 = 80
    ) throws -> String {
        let head = try Make.head(request, scheme: scheme, host: host)
        let plan = try Make.plan(head, [HTTPMatch(.prefix(prefix))], RouteBehaviour(.redirect(redirect)), port: port)
        guard case .answer(let answer) = plan, answer.cause == .redirect else { return "\(plan)" }
        return "\(answer.status) \(answer.headers["location"] ?? "")"
    }

    @Test("MeshHTTPRouteRedirectHostAndStatus, HTTPRoute303Redirect, 307, 308")
    func hostAndStatus() throws {
        let host = try DomainName("example.org")
        #expect(
            try redirect("/hostname-redirect", RequestRedirect(hostname: host))
                == "302 http://example.org/hostname-redirect")
        for status in [RequestRedirect.Status.movedPermanently, .found, .seeOther, .temporary, .permanent] {
            #expect(
                try redirect("POST /x?y=z", RequestRedirect(hostname: host, status: status))
                    == "\(status.rawValue) http://example.org/x?y=z")
        }
    }

    @Test("MeshHTTPRouteRedirectPath")
    func path() throws {
        let host = try DomainName("example.org")
        let prefix = PathReplacement.prefix(try ReplacementPath("/replacement-prefix"))
        let full = PathReplacement.full(try ReplacementPath("/full-path-replacement"))
        for (request, matched, path, name, status, expected) in [
            (
                "/original-prefix/lemon", "/original-prefix", prefix, nil, .found,
                "302 http://echo/replacement-prefix/lemon"
            ),
            ("/full/path/original", "/full", full, nil, .found, "302 http://echo/full-path-replacement"),
            ("/path-and-host", "/path-and-host", prefix, host, .found, "302 http://example.org/replacement-prefix"),
            ("/path-status", "/path-status", prefix, nil, .movedPermanently, "301 http://echo/replacement-prefix"),
            ("/full-and-host", "/full-and-host", full, host, .found, "302 http://example.org/full-path-replacement"),
            ("/a/b?q=1", "/a", prefix, nil, .found, "302 http://echo/replacement-prefix/b?q=1"),
        ] as [(String, String, PathReplacement, DomainName?, RequestRedirect.Status, String)] {
            let redirect = try RequestRedirect(hostname: name, path: path, status: status)
            #expect(try self.redirect(request, redirect, prefix: matched) == expected)
        }
    }

    @Test("MeshHTTPRouteRedirectPort, MeshHTTPRouteSchemeRedirect")
    func portAndScheme() throws {
        let host = try DomainName("example.org")
        #expect(try redirect("/port", RequestRedirect(port: 8083)) == "302 http://echo:8083/port")
        #expect(
            try redirect("/port", RequestRedirect(hostname: host, port: 8083)) == "302 http://example.org:8083/port")
        #expect(try redirect("/scheme", RequestRedirect(scheme: .https)) == "302 https://echo/scheme")
        #expect(
            try redirect("/s", RequestRedirect(scheme: .https, hostname: host, status: .movedPermanently))
                == "301 https://example.org/s")
    }

    @Test(
        "HTTPRouteRedirectPortAndScheme",
        arguments: [
            (.http, 80, nil, nil, "http://echo"), (.http, 80, nil, 80, "http://echo"),
            (.http, 80, nil, 8080, "http://echo:8080"), (.http, 80, .https, nil, "https://echo"),
            (.http, 80, .https, 443, "https://echo"), (.http, 80, .https, 8443, "https://echo:8443"),
            (.http, 8080, nil, nil, "http://echo:8080"), (.http, 8080, nil, 80, "http://echo"),
            (.http, 8080, nil, 8080, "http://echo:8080"), (.http, 8080, .https, nil, "https://echo"),
            (.http, 8080, .https, 443, "https://echo"), (.http, 8080, .https, 8443, "https://echo:8443"),
            (.https, 443, nil, nil, "https://echo"), (.https, 443, nil, 443, "https://echo"),
            (.https, 443, nil, 8443, "https://echo:8443"), (.https, 443, .http, nil, "http://echo"),
            (.https, 443, .http, 80, "http://echo"), (.https, 443, .http, 8080, "http://echo:8080"),
        ] as [(HTTPScheme, UInt16, HTTPScheme?, UInt16?, String)])
    func matrix(
        _ scheme: HTTPScheme, _ listener: UInt16, _ wanted: HTTPScheme?, _ port: UInt16?, _ expected: String
    ) throws {
        let redirect = try RequestRedirect(scheme: wanted, port: port)
        #expect(try self.redirect("/x", redirect, scheme: scheme, port: listener) == "302 \(expected)/x")
    }

    @Test("the host of the request is taken without its port, IPv6 with its brackets")
    func hosts() throws {
        let hosts = [
            ("Echo:8080", "echo"), ("10.0.0.1:8080", "10.0.0.1"), ("[2001:DB8::1]:8080", "[2001:db8::1]"),
        ]
        for (host, expected) in hosts {
            #expect(
                try redirect("/x", RequestRedirect(status: .found), host: host) == "302 http://\(expected)/x")
        }
    }

    @Test("HTTPRouteBackendRequestRedirect")
    func backend() throws {
        let filters = BackendFilters(action: .redirect(try RequestRedirect(hostname: try DomainName("a.example"))))
        let backend = RouteBackend(.service(Make.target("v1")), filters: filters)
        let plan = try Make.plan(try Make.head("/x"), [], RouteBehaviour(.forward(to: [backend])), port: 80)
        guard case .answer(let answer) = plan else { throw Unexpected(plan) }
        #expect(answer.status == 302 && answer.headers["location"] == "http://a.example/x")
    }

    @Test("a path that looks like a host stays a path")
    func doubleSlash() throws {
        let strip = PathReplacement.prefix(try ReplacementPath("/"))
        let location = try redirect("/a//evil.example", RequestRedirect(path: strip), prefix: "/a")
        #expect(location == "302 http://echo//evil.example")
    }
}
