import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointHTTP

@Suite("Requests are read")
struct RequestReaderTests {
    private func read(_ head: String, _ fields: String = "", body: String = "") -> [RequestEvent] {
        Read.requests("\(head)\r\nHost: a\r\n\(fields)\r\n\(body)")
    }

    @Test("a head is taken apart; names are in lower case, values without white space around them")
    func head() throws {
        let events = read("GET /a/./b?q=1 HTTP/1.1", "X-One: 1\r\nx-two:2 \t\r\nX-Three:\t \r\nX-One: again\r\n")
        let request = try #require(events.heads.first)
        #expect(request.head.method == .known(.get) && request.head.target == "/a/b?q=1")
        #expect(request.head.scheme == .http && request.head.host == "a")
        #expect(request.head.headers.text == "x-one: 1\nx-two: 2\nx-three: \nx-one: again")
        #expect(request.framing == .none && request.keepsAlive && !request.upgrades && !request.expectsContinue)
        #expect(events.count == 2 && events.last == .end(nil))
    }

    @Test("each field stands as it is written to the wire, however it came")
    func lines() throws {
        let request = try #require(read("GET / HTTP/1.1", "A:1\r\nB:  2\r\nC: 3 \r\nD: 4\r\n").heads.first)
        let lines = (0..<4).map { String(decoding: request.head.headers.line(at: $0), as: UTF8.self) }
        #expect(lines == ["a: 1\r\n", "b: 2\r\n", "c: 3\r\n", "d: 4\r\n"])
    }

    @Test("bodies of a length, in chunks, and several requests in one buffer")
    func bodies() {
        let events = Read.requests(
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "3;name=\"v;\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nHost: b\r\n\r\n"
                + "\r\nPUT /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(events.heads.map(\.head.target) == ["/1", "/2", "/3", "/4"])
        #expect(events.heads.map(\.framing) == [.length(5), .chunked, .length(0), .none])
        #expect(events.bodies == ["hello", "abc0123456789"])
        #expect(events.trailers.map(\.text) == ["x-sum: 1"] && events.endCount == 4 && events.fault == nil)
    }

    @Test("what the connection must know")
    func connection() throws {
        let last = try #require(read("GET / HTTP/1.1", "Connection: x, CLOSE\r\n").heads.first)
        #expect(!last.keepsAlive)
        let socket = read("GET / HTTP/1.1", "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        #expect(try #require(socket.heads.first).upgrades && socket.heads.allSatisfy(\.keepsAlive))
        let waits = read("PUT / HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n", body: "x")
        #expect(try #require(waits.heads.first).expectsContinue)
        let noBody = read("PUT / HTTP/1.1", "Expect: 100-continue\r\n")
        #expect(try #require(noBody.heads.first).expectsContinue == false)
    }

    @Test(
        "no upgrade: not named in Connection, named twice, or to HTTP/2 in clear text",
        arguments: [
            "Upgrade: websocket\r\n", "Connection: upgrade\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n",
            "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n",
        ])
    func noUpgrade(fields: String) throws {
        #expect(try #require(read("GET / HTTP/1.1", fields).heads.first).upgrades == false)
    }

    @Test(
        "an absolute target gives the authority and the path",
        arguments: [
            ("GET http://A.example:80/x?y HTTP/1.1", "a.example", "A.example:80", "/x?y"),
            ("GET HTTP://a.example HTTP/1.1", "a.example:80", "a.example", "/"),
            ("GET http://a.example?q HTTP/1.1", "a.example", "a.example", "/?q"),
            ("OPTIONS http://a.example:81 HTTP/1.1", "a.example:81", "a.example:81", "*"),
            ("OPTIONS * HTTP/1.1", "a", "a", "*"),
            ("GET http://[::1]/ HTTP/1.1", "[::1]", "[::1]", "/"),
        ])
    func targets(line: String, host: String, authority: String, target: String) throws {
        let events = Read.requests("\(line)\r\nHost: \(host)\r\n\r\n")
        let head = try #require(events.heads.first?.head, "\(events)")
        #expect(head.host == authority && head.target == target)
        #expect(head.headers.count == 0)
    }

    @Test("HTTP/2 with prior knowledge is told apart, and its preface stays")
    func preface() {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        var reader = RequestReader()
        var buffer = ByteBuffer(string: String(preface.prefix(16)))
        #expect(reader.next(from: &buffer) == nil)
        buffer.writeString("SM\r\n\r\nrest")
        #expect(reader.next(from: &buffer) == .http2Preface && reader.next(from: &buffer) == nil)
        #expect(String(buffer: buffer) == preface + "rest")
        #expect(Read.requests("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n").fault == .unknownVersion)
        let later = Read.requests("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + preface)
        #expect(later.fault == .unknownVersion)
    }

    @Test("the owner may stop between any two events; nothing is taken meanwhile")
    func pulls() {
        var reader = RequestReader()
        var buffer = ByteBuffer(
            string: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxyGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(reader.isBetweenRequests)
        guard case .head = reader.next(from: &buffer) else { return #expect(Bool(false)) }
        #expect(String(buffer: buffer).hasPrefix("xyGET") && !reader.isBetweenRequests)
        #expect(reader.next(from: &buffer) == .body(ByteBuffer(string: "xy")))
        #expect(reader.next(from: &buffer) == .end(nil) && reader.isBetweenRequests)
        #expect(String(buffer: buffer).hasPrefix("GET /2"))
    }

    @Test("input that ends within a request is a fault, between two it is none")
    func ends() {
        #expect(Read.requests("").isEmpty)
        #expect(Read.requests("GET / HTTP/1.1\r\nHo").fault == .truncated)
        #expect(Read.requests("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab").fault == .truncated)
        let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(Read.requests(chunked + "0\r\n").fault == .truncated)
        #expect(Read.requests("GET / HTTP/1.1\r\nHost: a\r\n\r\n").fault == nil)
    }

    @Test("bytes of tokens are those of the model")
    func tokens() {
        for byte in UInt8.min...UInt8.max { #expect(byte.isToken == HTTPToken.isTokenByte(byte), "\(byte)") }
    }
}
