import MeshModel
import Testing
import WaypointRoute

@Suite("Session persistence")
struct SessionTests {
    private let token = SessionToken(target: Make.target("v2"), endpoint: "cluster//Pod/ns/v2-0", nowSeconds: 1000)

    private func cookie(
        _ lifetime: SessionPersistence.CookieLifetime = .session, timeout: Duration? = nil
    ) throws -> SessionPersistence {
        try SessionPersistence(
            carrier: .cookie(name: try HTTPToken("sid"), path: try RoutePath("/shop"), lifetime: lifetime),
            absoluteTimeout: timeout)
    }

    @Test("a token names its endpoint, survives being written and gives no names away")
    func roundTrip() throws {
        let read = try #require(SessionToken(token.text.utf8))
        #expect(read == token)
        #expect(read.isFor(endpoint: "cluster//Pod/ns/v2-0") && !read.isFor(endpoint: "cluster//Pod/ns/v2-1"))
        #expect(token.text.utf8.count == 49 && token.text.allSatisfy(\.isHexDigit))
    }

    @Test("what is no token is none")
    func invalid() {
        let text = token.text
        let changes = [
            "", "1", "x", text + "0", String(text.dropLast()), "2" + text.dropFirst(), text.dropLast() + "g",
            String(repeating: "1", count: 33) + String(repeating: "f", count: 16),
        ]
        for text in changes { #expect(SessionToken(text.utf8) == nil, "\(text)") }
    }

    @Test("the token is found among other cookies")
    func cookies() throws {
        let session = try cookie()
        let found = { (headers: [String]) in
            session.token(in: try Make.head("/", headers.map { ("Cookie", $0) }), nowSeconds: 1000)
        }
        #expect(try found(["a=b; sid=\(token.text); c=d"]) == token)
        #expect(try found(["a=b", "sid=\(token.text)"]) == token)
        #expect(try found(["sid=stale;sid=\(token.text) ;x"]) == token)
        for other in ["xsid=\(token.text)", "SID=\(token.text)", "sid2=\(token.text)", "sid", "sid=", ""] {
            #expect(try found([other]) == nil, "\(other)")
        }
        #expect(session.field(token).value == "sid=\(token.text); Path=/shop; HttpOnly; SameSite=Lax")
        let permanent = try cookie(.permanent, timeout: .seconds(600))
        #expect(permanent.field(token).value.hasSuffix("; Max-Age=600"))
    }

    @Test("after the absolute timeout a token is none; nor is one from the future")
    func timeout() throws {
        let session = try SessionPersistence(
            carrier: .header(try HeaderName("X-Session")), absoluteTimeout: .seconds(60))
        let head = try Make.head("/", [("x-session", token.text)])
        #expect(session.field(token).name == "x-session" && session.field(token).value == token.text)
        for (now, isGood) in [(1000, true), (1059, true), (1060, false), (999, false)] as [(Int64, Bool)] {
            #expect((session.token(in: head, nowSeconds: now) == token) == isGood, "\(now)")
        }
    }

    @Test("a session keeps its back end against the weights, unless it is gone or gets nothing any more")
    func pinned() throws {
        let head = try Make.head("/", [("Cookie", "sid=\(token.text)")])
        let weight = { (value: UInt32) in try BackendWeight(value) }
        let heavy = RouteBackend(.service(Make.target("v1")), weight: try weight(1_000_000))
        for (second, isKept) in [
            (RouteBackend(.service(Make.target("v2")), weight: try weight(1)), true),
            (RouteBackend(.service(Make.target("v2")), weight: try weight(0)), false),
            (RouteBackend(.service(Make.target("v3")), weight: try weight(1)), false),
        ] {
            let behaviour = RouteBehaviour(.forward(to: [heavy, second]), session: try cookie())
            let plan = try Make.plan(head, [], behaviour, nowSeconds: 1000)
            guard case .forward(let forward) = plan else { throw Unexpected(plan) }
            #expect(forward.target == Make.target(isKept ? "v2" : "v1"))
            #expect((forward.pinned == token) == isKept)
        }
    }
}
