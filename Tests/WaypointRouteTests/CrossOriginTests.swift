import MeshModel
import Testing
import WaypointRoute

/// Cases of the conformance test HTTPRouteCORS.
@Suite("Cross-origin requests")
struct CrossOriginTests {
    private func names(_ names: [String]) throws -> CORSNames { .listed(try names.map { try HTTPToken($0) }) }

    private func origins(_ texts: [String]) throws -> [CORSOrigin] { try texts.map { try CORSOrigin($0) } }

    private func listed() throws -> CORSPolicy {
        try CORSPolicy(
            allowOrigins: origins(["https://www.foo.com", "https://*.bar.com"]),
            allowMethods: names(["GET", "OPTIONS"]),
            allowHeaders: names(["x-header-1", "x-header-2"]), exposeHeaders: names(["x-header-3", "x-header-4"]),
            allowCredentials: true, maximumAgeSeconds: 3600)
    }

    private func preflight(_ origin: String, _ method: String, headers: String? = nil) throws -> RequestHead {
        let asked = headers.map { [("Access-Control-Request-Headers", $0)] } ?? []
        return try Make.head(
            "OPTIONS /cors", [("Origin", origin), ("Access-Control-Request-Method", method)] + asked)
    }

    @Test("preflights of exact and wildcard origins", arguments: [
        "https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com", "HTTPS://WWW.bar.com",
    ])
    func preflights(_ origin: String) throws {
        let head = try preflight(origin, "GET", headers: "x-header-1, x-header-2")
        let plan = try Make.plan(head, [], RouteBehaviour(.forward(to: []), cors: listed()))
        guard case .answer(let answer) = plan else { throw Unexpected(plan) }
        #expect(answer.status == 200 && answer.cause == .preflight)
        #expect(answer.headers["access-control-allow-origin"] == origin)
        #expect(answer.headers["access-control-allow-methods"] == "GET, OPTIONS")
        #expect(answer.headers["access-control-allow-headers"] == "x-header-1, x-header-2")
        #expect(answer.headers["access-control-expose-headers"] == "x-header-3, x-header-4")
        #expect(answer.headers["access-control-max-age"] == "3600")
        #expect(answer.headers["access-control-allow-credentials"] == "true")
        #expect(answer.headers["vary"] == "origin")
    }

    @Test("origins that are not let in get no fields", arguments: [
        "https://foobar.com", "http://www.foo.com", "https://www.foo.com:81", "https://bar.com", "https://xbar.com",
        "https://.bar.com", "https://evil.com/.bar.com", "https://evil.com#.bar.com", "https://a..bar.com", "null", "",
    ])
    func refused(_ origin: String) throws {
        #expect(try listed().judge(preflight(origin, "GET")) == .preflight(HeaderList()))
        #expect(try listed().judge(Make.head("/cors", [("Origin", origin)])) == .none)
    }

    @Test("a simple request goes on, and its answer says so")
    func simple() throws {
        let backend = RouteBackend(.service(Make.target("v1")))
        let behaviour = RouteBehaviour(.forward(to: [backend]), cors: try listed())
        let plan = try Make.plan(try Make.head("/cors", [("Origin", "https://www.foo.com")]), [], behaviour)
        guard case .forward(let forward) = plan else { throw Unexpected(plan) }
        var response = HeaderList([("Access-Control-Allow-Origin", "*"), ("Vary", "accept")])
        forward.finishResponse(&response)
        #expect(response["access-control-allow-origin"] == "https://www.foo.com")
        #expect(response["access-control-allow-credentials"] == "true")
        #expect(response["access-control-expose-headers"] == "x-header-3, x-header-4")
        #expect(response["vary"] == "accept,origin")
        #expect(response["access-control-max-age"] == nil)
    }

    @Test("asterisks answer with what was asked for; without credentials nothing says credentials")
    func wildcards() throws {
        for credentials in [false, true] {
            let policy = try CORSPolicy(
                allowOrigins: origins(["*"]), allowMethods: .any, allowHeaders: .any, exposeHeaders: .any,
                allowCredentials: credentials)
            let head = try preflight("https://other.foo.com:12345", "PUT", headers: "x-header-1, x-header-2")
            guard case .preflight(let fields) = policy.judge(head) else { throw Unexpected(policy) }
            #expect(fields["access-control-allow-origin"] == "https://other.foo.com:12345")
            #expect(fields["access-control-allow-methods"] == "PUT")
            #expect(fields["access-control-allow-headers"] == "x-header-1, x-header-2")
            #expect(fields["access-control-allow-credentials"] == (credentials ? "true" : nil))
            #expect(fields["access-control-expose-headers"] == (credentials ? nil : "*"))
            #expect(fields["access-control-max-age"] == "5")
            guard case .preflight(let few) = try policy.judge(preflight("https://a.b", "PUT")) else {
                throw Unexpected(policy)
            }
            #expect(few["access-control-allow-headers"] == nil)
            guard case .preflight(let odd) = try policy.judge(preflight("https://a.b", "PUT", headers: "a;<b>")) else {
                throw Unexpected(policy)
            }
            #expect(odd["access-control-allow-headers"] == nil)
        }
    }

    @Test("OPTIONS without the question of a preflight is an ordinary request")
    func options() throws {
        #expect(try listed().judge(Make.head("OPTIONS /cors")) == .none)
        let head = try Make.head("OPTIONS /cors", [("Origin", "https://www.foo.com")])
        guard case .admitted = try listed().judge(head) else { throw Unexpected(head) }
    }
}
