import MeshModel
import Testing
import WaypointRoute

@testable import WaypointHTTP

@Suite("Which fields go on")
struct HeaderRulesTests {
    private static let own = Identity(namespace: "shop", serviceAccount: "waypoint")
    private static let caller = Identity(namespace: "shop", serviceAccount: "web")
    private static let certificate = HeaderRules.clientCertificate(caller: caller, by: own)

    private func forwarded(
        _ pairs: [(String, String)], upgrades: Bool = false, keepsAlive: Bool = true
    ) throws -> String {
        var head = RequestHead(
            method: .known(.get), scheme: .http, authority: try RequestAuthority("a".utf8),
            path: try RequestPath("/".utf8), headers: HeaderList(pairs))
        HeaderRules.forward(
            &head, upgrades: upgrades, keepsAlive: keepsAlive, clientCertificate: Self.certificate,
            newID: { Array("new".utf8) })
        return head.headers.text
    }

    private let ours = "x-forwarded-client-cert: By=\(own);URI=\(caller)"

    @Test("a request: what ends with the connection goes, who calls is what TLS has proven")
    func request() throws {
        let text = try forwarded([
            ("Accept", "1"), ("Connection", "x-secret, Keep-Alive"), ("X-Secret", "1"), ("Keep-Alive", "5"),
            ("Proxy-Connection", "x"), ("Upgrade", "h2c"), ("TE", "gzip"), ("HTTP2-Settings", "AA"),
            ("X-Envoy-Internal", "true"), ("x-envoy-max-retries", "9"),
            ("X-Forwarded-Client-Cert", "By=forged;URI=forged"), ("x-forwarded-client-cert", "again"), ("Cookie", "c"),
        ])
        #expect(text == "accept: 1\ncookie: c\n\(ours)\nx-request-id: new\nx-forwarded-proto: http")
    }

    @Test("Connection may not take away what says which request it is and who sent it")
    func kept() throws {
        let names = "authorization, Cookie, content-length, X-Forwarded-For, x-forwarded-client-cert, x-request-id"
        let text = try forwarded([
            ("Authorization", "a"), ("Connection", names), ("Connection", "close"), ("Cookie", "c"),
            ("Content-Length", "5"), ("X-Forwarded-For", "1.2.3.4"), ("X-Request-Id", "old"),
        ])
        #expect(
            text == "authorization: a\ncookie: c\ncontent-length: 5\nx-forwarded-for: 1.2.3.4\n"
                + "\(ours)\nx-request-id: new\nx-forwarded-proto: http")
    }

    @Test("what the caller has given stays: request ID, scheme; trailers are asked for again")
    func given() throws {
        let text = try forwarded(
            [("X-Request-Id", "id"), ("X-Forwarded-Proto", "https"), ("TE", "gzip, Trailers")], keepsAlive: false)
        #expect(
            text == "x-request-id: id\nx-forwarded-proto: https\n\(ours)\nte: trailers\nconnection: close")
    }

    @Test("an upgrade is asked for again")
    func upgrade() throws {
        let text = try forwarded(
            [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("X-Request-Id", "id")], upgrades: true,
            keepsAlive: false)
        #expect(text.hasSuffix("connection: upgrade\nupgrade: websocket"))
        var head = ResponseHead(
            status: 101, headers: HeaderList([("Upgrade", "websocket"), ("Connection", "Upgrade"), ("a", "b")]))
        HeaderRules.upgrade(&head)
        #expect(head.headers.text == "a: b\nconnection: upgrade\nupgrade: websocket")
    }

    @Test("a route speaks neither for the connection nor for the caller, but may keep the caller to itself")
    func restored() {
        let original = HeaderList([("x-forwarded-client-cert", "ours"), ("connection", "upgrade"), ("upgrade", "ws")])
        var changed = HeaderList([("x-forwarded-client-cert", "forged"), ("connection", "close"), ("x-a", "1")])
        HeaderRules.restore(&changed, from: original)
        #expect(changed.text == "x-a: 1\nx-forwarded-client-cert: ours\nconnection: upgrade\nupgrade: ws")
        var same = original
        same.append(name: "x-a".utf8, value: "1".utf8)
        HeaderRules.restore(&same, from: original)
        #expect(same.text == "x-forwarded-client-cert: ours\nconnection: upgrade\nupgrade: ws\nx-a: 1")
        var without = HeaderList([("te", "trailers")])
        HeaderRules.restore(&without, from: original)
        #expect(without.text == "connection: upgrade\nupgrade: ws")
    }

    @Test("an answer: framing and connection are ours")
    func answer() {
        let pairs = [("A", "b"), ("Connection", "x-gone"), ("X-Gone", "1"), ("Transfer-Encoding", "chunked"),
            ("Keep-Alive", "5"), ("Content-Length", "5")]
        let answer = { (status: UInt16, framing: BodyFraming, keepsAlive: Bool) in
            var head = ResponseHead(status: status, headers: HeaderList(pairs))
            let framing = HeaderRules.answer(&head, framing: framing, keepsAlive: keepsAlive)
            return "\(framing) \(head.headers.text)"
        }
        #expect(answer(200, .untilClose, true) == "chunked a: b\ncontent-length: 5")
        #expect(answer(200, .length(5), false) == "length(5) a: b\ncontent-length: 5\nconnection: close")
        #expect(answer(304, .none, true) == "none a: b\ncontent-length: 5")
        #expect(answer(204, .none, true) == "none a: b")
        #expect(answer(100, .none, false) == "none a: b")
    }

    @Test("trailers that would change what was decided")
    func trailers() {
        for name in [
            "content-length", "content-encoding", "content-range", "content-type", "trailer", "te", "expect",
            "max-forwards", "cache-control", "authorization", "cookie", "set-cookie", "host", "connection",
            "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings", "x-envoy-a",
            "x-forwarded-client-cert",
        ] {
            #expect(HeaderRules.isForbiddenTrailer(Array(name.utf8)[...]), "\(name)")
        }
        for name in ["grpc-status", "x-checksum", "server-timing"] {
            #expect(!HeaderRules.isForbiddenTrailer(Array(name.utf8)[...]), "\(name)")
        }
    }
}
