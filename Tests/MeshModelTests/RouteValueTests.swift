import MeshModel
import Testing

@Suite("Values of routes")
struct RouteValueTests {
    private func error<Value>(_ make: () throws(RouteValueError) -> Value) -> RouteValueError? {
        do throws(RouteValueError) {
            _ = try make()
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "hostnames are DNS names, perhaps behind *.",
        arguments: [
            ("a.example", true), ("A.Example", true), ("*.example.com", true), ("a", true), ("", false), ("*", false),
            ("a..b", false), ("a.b.", false), ("-a.b", false), ("a-.b", false), ("a b", false), ("a:80", false),
            ("*.*.b", false), ("a.*.b", false), ("*a.b", false), ("é.example", false),
            (String(repeating: "a", count: 64), false),
        ])
    func hostnames(text: String, isValid: Bool) {
        let found = error { () throws(RouteValueError) in try RouteHostname(text) }
        #expect((found == nil) == isValid)
    }

    @Test(
        "paths keep the rules of the Gateway API",
        arguments: [
            ("/", true), ("/a/b", true), ("/a/", true), ("/a%20b", true), ("/a;b=c,d", true), ("", false), ("a", false),
            ("//", false), ("/a//b", false), ("/a/./b", false), ("/a/../b", false), ("/a/.", false), ("/a/..", false),
            ("/a/...", true), ("/a%2fb", false), ("/a%2Fb", false), ("/a#b", false), ("/a?b", false), ("/a b", false),
            ("/a%", false), ("/a%4", false), ("/a%zz", false), ("/a%00", false), ("/a\r\nb", false), ("/é", false),
            ("/" + String(repeating: "a", count: 1023), true), ("/" + String(repeating: "a", count: 1024), false),
        ])
    func paths(text: String, isValid: Bool) {
        let found = error { () throws(RouteValueError) in try RoutePath(text) }
        #expect(found == (isValid ? nil : .path(text)))
    }

    @Test("names of headers are tokens in lower case; values hold no control characters")
    func headers() throws {
        #expect(try HeaderName("X-Name").text == "x-name")
        for name in ["", ":path", "a b", "a:", "é", "a\n", String(repeating: "a", count: 257)] {
            #expect(error { () throws(RouteValueError) in try HeaderName(name) } != nil, "\(name)")
        }
        let name = try HeaderName("a")
        #expect(try HeaderField(name, " \tb\tc ").value == "b\tc")
        for value in ["a\r\nb: c", "\u{0}", "a\u{7f}"] {
            #expect(error { () throws(RouteValueError) in try HeaderField(name, value) } == .headerValue(value))
        }
    }

    @Test("one header name stands in one action of a modifier")
    func modifiers() throws {
        let (upper, lower) = (try HeaderName("A"), try HeaderName("a"))
        let field = try HeaderField(upper, "1")
        let found = error { () throws(RouteValueError) in try HeaderModifier(set: [field], remove: [lower]) }
        #expect(found == .repeatedHeader("a"))
    }

    @Test("of several conditions for one name the first counts")
    func firstOfEach() throws {
        let first = HeaderMatch(try HeaderName("A"), .exact("1"))
        let second = HeaderMatch(try HeaderName("a"), .exact("2"))
        let match = HTTPMatch(
            headers: [first, second], queryParameters: [QueryMatch("q", .exact("1")), QueryMatch("q", .exact("2"))])
        #expect(match.headers == [first])
        #expect(match.queryParameters == [QueryMatch("q", .exact("1"))])
        #expect(GRPCMatch(headers: [first, second]).headers == [first])
    }

    @Test("a rule replaces a prefix only where each of its matches is a prefix")
    func prefixReplacement() throws {
        let origin = RouteOrigin(kind: .http, namespace: "a", name: "b")
        let replacement = PathReplacement.prefix(try ReplacementPath("/x"))
        let exact = HTTPMatch(path: .exact(try RoutePath("/a")))
        let prefix = HTTPMatch(path: .prefix(try RoutePath("/a")))
        let redirect = RouteBehaviour(.redirect(try RequestRedirect(path: replacement)))
        let rewrite = RouteBehaviour(.forward(to: [], rewrite: URLRewrite(path: replacement)))
        let filters = BackendFilters(action: .forward(URLRewrite(path: replacement)))
        let backend = RouteBehaviour(.forward(to: [RouteBackend(.invalid(.invalidKind), filters: filters)]))
        for behaviour in [redirect, rewrite, backend] {
            for (matches, isValid) in [([exact, prefix], false), ([exact], false), ([prefix], true), ([], true)] {
                let found = error { () throws(RouteValueError) in
                    try HTTPRouteRule(origin: origin, matches: matches, behaviour: behaviour)
                }
                #expect(found == (isValid ? nil : .prefixReplacementWithoutPrefix))
            }
            let found = error { () throws(RouteValueError) in
                try GRPCRouteRule(origin: origin, behaviour: behaviour)
            }
            #expect(found == .filterNotAllowed)
        }
    }

    @Test(
        "durations are written as GEP-2257 says",
        arguments: [
            ("0s", 0), ("1h", 3_600_000), ("1h1m1s1ms", 3_661_001), ("500ms", 500), ("99999h", 359_996_400_000),
            ("1m1h", 3_660_000), ("", nil), ("1", nil), ("s", nil), ("-1s", nil), ("1.5s", nil), ("100000s", nil),
            ("1s1s1s1s1s", nil), ("1d", nil), ("1 s", nil), ("1us", nil),
        ] as [(String, Int64?)])
    func durations(text: String, milliseconds: Int64?) {
        #expect((try? GatewayDuration(text))?.duration == milliseconds.map { .milliseconds($0) })
    }

    @Test("limits of numbers hold")
    func numbers() throws {
        #expect(error { () throws(RouteValueError) in try BackendWeight(1_000_000) } == nil)
        #expect(error { () throws(RouteValueError) in try BackendWeight(1_000_001) } == .weight(1_000_001))
        #expect(error { () throws(RouteValueError) in try RequestFraction(1, of: 0) } != nil)
        #expect(error { () throws(RouteValueError) in try RequestFraction(101) } != nil)
        #expect(error { () throws(RouteValueError) in try RequestRedirect(port: 0) } == .port)
        let short = try RouteTimeout(.seconds(1))
        let long = try RouteTimeout(.seconds(2))
        let disabled = try RouteTimeout(.zero)
        #expect(disabled == .disabled)
        let found = error { () throws(RouteValueError) in try RouteTimeouts(request: short, backendRequest: long) }
        #expect(found == .tryLongerThanRequest)
        #expect(try RouteTimeouts(request: disabled, backendRequest: long).request?.duration == nil)
        #expect(error { () throws(RouteValueError) in try RetryPolicy.gateway(statuses: [399]) } == .retryStatus(399))
        #expect(
            error { () throws(RouteValueError) in try RetryPolicy.gateway(statuses: [], attempts: 0) }
                == .retryAttempts(0))
        let cookie = SessionPersistence.Carrier.cookie(
            name: try HTTPToken("s"), path: .root, lifetime: .permanent)
        #expect(
            error { () throws(RouteValueError) in try SessionPersistence(carrier: cookie) }
                == .permanentWithoutTimeout)
        let injected = SessionPersistence.Carrier.cookie(
            name: try HTTPToken("s"), path: try RoutePath("/;Domain=evil"), lifetime: .session)
        #expect(error { () throws(RouteValueError) in try SessionPersistence(carrier: injected) } != nil)
        #expect(error { () throws(RouteValueError) in try GRPCMethodMatch(exactService: "", method: nil) } != nil)
    }

    @Test(
        "origins are *, SCHEME://HOST[:PORT] or SCHEME://*.DOMAIN[:PORT]",
        arguments: [
            ("*", true), ("https://a.example", true), ("https://a.example:8080", true), ("http://*.a.example", true),
            ("https://*.a.example:1", true), ("a.example", false), ("https://", false), ("https://a.example/", false),
            ("https://a.example:0", false), ("https://a.example:x", false), ("https://a.*.example", false),
            ("://a", false), ("https://*", false), ("", false),
        ])
    func origins(text: String, isValid: Bool) {
        #expect((error { () throws(RouteValueError) in try CORSOrigin(text) } == nil) == isValid)
    }

    @Test("older routes come first, then those whose NAMESPACE/NAME does, then earlier rules")
    func precedence() {
        let origin = { (namespace: String, name: String, rule: Int, created: Int64) in
            RouteOrigin(kind: .http, namespace: namespace, name: name, ruleIndex: rule, createdSeconds: created)
        }
        let sorted = [origin("b", "z", 1, 1), origin("a-b", "x", 0, 2), origin("a", "y", 0, 2), origin("a", "y", 1, 2)]
        #expect(sorted.reversed().sorted() == sorted)
    }
}
