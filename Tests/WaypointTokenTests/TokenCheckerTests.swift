import MeshModel
import Testing
import WaypointToken

@Suite("The check of a request's tokens")
struct TokenCheckerTests {
    private let rig = TokenRig()
    private let now = Int(TokenRig.now)

    @Test("times with a minute of leeway, issuer and audience", arguments: [
        (#""exp":-59"#, TokenFailure?.none), (#""exp":-61"#, .expired), (#""nbf":59"#, nil),
        (#""nbf":61"#, .notYetValid),
        (#""iat":61"#, .notYetValid), (#""exp":"soon""#, .payloadNotReadable), (#""exp":null"#, .payloadNotReadable),
        (#""aud":"a""#, nil), (#""aud":["x","a"]"#, nil), (#""aud":"x""#, .audience), (#""aud":["x"]"#, .audience),
        (#""aud":1"#, .audience),
    ])
    func claims(written: String, failure: TokenFailure?) throws {
        var member = written
        if let colon = written.firstIndex(of: ":"), let offset = Int(written[written.index(after: colon)...]),
            !written.hasPrefix(#""aud""#) {
            member = "\(written[...colon])\(now + offset)"
        }
        let audience = written.hasPrefix(#""aud""#) ? "" : #","aud":"a""#
        let token = try rig.token(#"{"iss":"i",\#(member)\#(audience)}"#)
        let outcome = TokenRig.check([rig.rule { $0.audiences = ["a"] }], headers: TokenRig.bearer(token))
        #expect(outcome.failure == failure)
        #expect((outcome.pass?.claims == nil) == (failure != nil))
    }

    @Test("ISTIO-SECURITY-2019-002: tokens in the wrong form", arguments: [
        ("", TokenFailure.notThreeParts), ("a", .notThreeParts), ("a.b", .notThreeParts), ("a.b.c.d", .notThreeParts),
        ("..", .notThreeParts), ("a.b.c", .headerNotReadable), ("e30=.e30.AA", .notThreeParts),
        ("eyJhbGciOiJFUzI1NiJ9.W10.AA", .payloadNotReadable), ("eyJhbGciOiJFUzI1NiJ9.e30.A", .signatureNotReadable),
        ("eyJhbGciOiJFUzI1NiJ9.e30.AB", .signatureNotReadable), ("eyJhbGciOiJFUzI1NiJ9.e30.AA", .unknownIssuer),
        (String(repeating: "a", count: 20_000), .tooLarge),
    ])
    func forms(token: String, failure: TokenFailure) {
        #expect(TokenRig.check([rig.rule()], headers: TokenRig.bearer(token)).failure == failure)
    }

    @Test(
        "ISTIO-SECURITY-2026-005: payloads that two readers could read differently, or that nest too deeply",
        arguments: [
        #"{"iss":"i","iss":"j"}"#,
        #"{"iss":"i","a":"# + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}",
        #"{"iss":"i"} x"#, #"{"iss":"i","a":01}"#, #"{"iss":"i",}"#, #"{"iss":"i","a":"\ud800"}"#, "{'iss':'i'}",
    ])
    func payloads(payload: String) throws {
        let token = try rig.token(payload)
        #expect(TokenRig.check([rig.rule()], headers: TokenRig.bearer(token)).failure == .payloadNotReadable)
    }

    @Test("bytes changed anywhere in a token never pass", arguments: 0..<100 as Range<Int>)
    func damage(seed: Int) throws {
        var bytes = Array(try rig.token(#"{"iss":"i","sub":"s"}"#).utf8)
        let place = seed * 7919 % bytes.count
        bytes[place] = bytes[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        let token = String(decoding: bytes, as: UTF8.self)
        #expect(TokenRig.check([rig.rule()], headers: TokenRig.bearer(token)).failure != nil)
    }

    @Test("tokens are found in every place that a rule names")
    func places() throws {
        let token = try rig.token(#"{"iss":"i"}"#)
        let rule = rig.rule {
            $0.locations = [
                .header(name: "x-jwt", prefix: ""), .header(name: "x-auth", prefix: "Token "), .parameter("t k"),
                .cookie("jwt"),
            ]
        }
        for headers in [
            [("x-jwt", token)], [("x-auth", "Token \(token)")], [("x-auth", "Other Token \(token), rest")],
            [("cookie", "a=b; jwt=\(token)")], [("cookie", "a=b"), ("cookie", "jwt=\(token);c=d")],
        ] {
            #expect(TokenRig.check([rule], headers: headers).pass?.claims != nil, "\(headers)")
        }
        #expect(TokenRig.check([rule], query: "a=b&t%20k=\(token)").pass?.claims != nil)
        for headers in [TokenRig.bearer(token), [("x-auth", "token \(token)")], [("cookie", "xjwt=\(token)")], []] {
            #expect(TokenRig.check([rule], headers: headers).pass?.claims == nil, "\(headers)")
        }
        #expect(TokenRig.check([rig.rule()], query: "access_token=\(token)").pass?.claims != nil)
    }

    @Test("one bad token beside a good one refuses the request, wherever it stands")
    func several() throws {
        let (good, bad) = (try rig.token(#"{"iss":"i"}"#), try TokenRig().token(#"{"iss":"i"}"#))
        let both = TokenRig.bearer(good) + TokenRig.bearer(bad)
        #expect(TokenRig.check([rig.rule()], headers: both).failure == .signature)
        #expect(TokenRig.check([rig.rule()], headers: both.reversed()).failure == .signature)
        #expect(
            TokenRig.check([rig.rule()], headers: TokenRig.bearer(good), query: "access_token=\(bad)").failure
                == .signature)
    }

    @Test("ISTIO-SECURITY-2021-001: of several rules one suffices; a token that no rule knows is refused")
    func severalRules() throws {
        let other = TokenRig()
        let rules = [rig.rule(), other.rule(issuer: "j")]
        let second = try other.token(#"{"iss":"j"}"#)
        #expect(TokenRig.check(rules, headers: TokenRig.bearer(second)).pass?.claims?.issuer == "j")
        let unknown = try other.token(#"{"iss":"k"}"#)
        #expect(TokenRig.check(rules, headers: TokenRig.bearer(unknown)).failure == .unknownIssuer)
        let late = try rig.token(#"{"iss":"i","exp":1}"#)
        #expect(TokenRig.check(rules, headers: TokenRig.bearer(late)).failure == .expired)
        #expect(TokenRig.check(rules.reversed(), headers: TokenRig.bearer(late)).failure == .expired)
        let none = TokenRig.check(rules).pass
        #expect(none != nil && none?.claims == nil && none?.fields == [] && none?.stripped == [])
    }

    @Test("what goes on: the token is taken out, headers of the check are written by nobody else")
    func outputs() throws {
        let token = try rig.token(#"{"iss":"i","n":{"d":"deep"},"b":true,"c":3,"e":"a\nb","scope":"r w"}"#)
        let rule = rig.rule {
            $0.payloadHeader = "x-payload"
            $0.claimHeaders = [
                ClaimHeader(header: "x-d", path: ["n", "d"]), ClaimHeader(header: "x-b", path: ["b"]),
                ClaimHeader(header: "x-c", path: ["c"]), ClaimHeader(header: "x-e", path: ["e"]),
                ClaimHeader(header: "x-none", path: ["none"]),
            ]
            $0.spaceDelimitedClaims = ["scope"]
        }
        let headers = ["x-b", "x-c", "x-d", "x-e", "x-none", "x-payload"]
        let pass = try #require(TokenRig.check([rule], headers: TokenRig.bearer(token)).pass)
        let payload = token.split(separator: ".")[1]
        #expect(pass.removed == headers)
        let fields = pass.fields.map { "\($0.name) \($0.value)" }
        #expect(fields == ["x-payload \(payload)", "x-d deep", "x-b true", "x-c 3"])
        #expect(pass.stripped == [.header(name: "authorization", prefix: "Bearer ")])
        #expect(pass.claims?[path: ["scope"]]?.texts == ["r", "w"])
        let kept = TokenRig.check([rig.rule { $0.forwardsToken = true }], headers: TokenRig.bearer(token)).pass
        #expect(kept?.stripped == [])
        let none = TokenRig.check([rule], headers: [("x-d", "spoofed")]).pass
        #expect(none?.removed == headers && none?.fields == [] && none?.claims == nil)
    }

    @Test("a browser's preflight passes without a look; an OPTIONS that is none does not")
    func preflight() {
        let bad = TokenRig.bearer("a.b.c")
        let asking = bad + [("origin", "http://a"), ("access-control-request-method", "GET")]
        #expect(TokenRig.check([rig.rule()], headers: asking, method: "OPTIONS").pass?.claims == nil)
        #expect(TokenRig.check([rig.rule()], headers: asking, method: "GET").failure != nil)
        #expect(TokenRig.check([rig.rule()], headers: bad, method: "OPTIONS").failure != nil)
    }

    @Test("answers are 401, and 403 for another's audience")
    func answers() {
        #expect(TokenFailure.expired.status == 401 && TokenFailure.audience.status == 403)
        #expect(TokenFailure.expired.details == "jwt_authn_access_denied{Jwt_is_expired}")
    }
}
