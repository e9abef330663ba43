import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointHTTP

@Suite("Answers are read")
struct ResponseReaderTests {
    private static let ok = "HTTP/1.1 200 OK\r\n"

    @Test("bodies: of a length, in chunks, until the connection ends")
    func bodies() {
        let sized = Read.responses(Self.ok + "Content-Length: 2\r\nX: 1\r\n\r\nhi")
        #expect(sized.heads.first?.framing == .length(2) && sized.bodies == ["hi"] && sized.endCount == 1)
        #expect(sized.heads.map(\.keepsAlive) == [true] && sized.heads.first?.head.status == 200)
        let chunked = Read.responses(
            Self.ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\ngrpc-status: 0\r\nSet-Cookie: a\r\n\r\n")
        #expect(chunked.bodies == ["hi"] && chunked.trailers.map(\.text) == ["grpc-status: 0"])
        let open = Read.responses(Self.ok + "\r\nall there is")
        #expect(open.heads.first?.framing == .untilClose && open.bodies == ["all there is"])
        #expect(open.last == .end(nil) && open.heads.allSatisfy { !$0.keepsAlive })
    }

    @Test("answers without a body", arguments: [(HTTPMethod.head, 200), (.get, 204), (.get, 304), (.post, 204)])
    func noBody(method: HTTPMethod, status: Int) {
        for framing in ["Content-Length: 50", "Transfer-Encoding: chunked", "X: 1"] {
            let events = Read.responses("HTTP/1.1 \(status) \r\n\(framing)\r\n\r\n", to: method)
            #expect(events.heads.first?.framing == BodyFraming.none && events.last == .end(nil), "\(events)")
            #expect(events.heads.map(\.keepsAlive) == [true])
        }
    }

    @Test("several answers on one connection, each to its request")
    func reuse() {
        let text = Self.ok + "Content-Length: 2\r\n\r\nab" + Self.ok + "Content-Length: 9\r\n\r\n" + Self.ok
            + "Connection: close\r\nContent-Length: 1\r\n\r\nc"
        let events = Read.responses(text.utf8, to: [.known(.get), .known(.head), .known(.get)])
        #expect(events.heads.map(\.framing) == [.length(2), .none, .length(1)] && events.bodies == ["ab", "c"])
        #expect(events.heads.map(\.keepsAlive) == [true, true, false] && events.fault == nil)
    }

    @Test("interim answers come before the answer; a flood of them is a fault")
    func interim() {
        let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        let events = Read.responses("HTTP/1.1 100 Continue\r\n\r\n" + hint + Self.ok + "Content-Length: 0\r\n\r\n")
        #expect(events.interim.map(\.status) == [100, 103] && events.heads.count == 1 && events.endCount == 1)
        #expect(Read.responses(String(repeating: hint, count: 17)).fault == .tooManyInterimAnswers)
    }

    @Test("ISTIO-SECURITY-2024-004: 101 only when it was asked for; what follows is left alone")
    func upgrade() {
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        #expect(Read.responses(head).fault == .unexpectedUpgrade)
        #expect(Read.responses("HTTP/1.1 101 X\r\n\r\n", upgrades: true).fault == .unexpectedUpgrade)
        var reader = ResponseReader()
        reader.expectAnswer(to: .known(.get), upgrades: true)
        var buffer = ByteBuffer(string: head + "HTTP/1.1 no more")
        guard case .upgraded(let answer)? = reader.next(from: &buffer) else { return #expect(Bool(false)) }
        #expect(answer.headers["upgrade"] == "websocket" && reader.next(from: &buffer) == nil)
        #expect(String(buffer: buffer) == "HTTP/1.1 no more" && reader.inputEnded() == nil)
    }

    @Test("HTTP/1.0 is taken, and its connection is not used again")
    func old() {
        let events = Read.responses("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx")
        #expect(events.bodies == ["x"] && events.heads.map(\.keepsAlive) == [false])
        #expect(Read.responses("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").fault == .encoding)
    }

    static let faults: [(String, HTTPFault)] = [
        ("nonsense\r\n\r\n", .statusLine), ("HTTP/1.1 20 OK\r\n\r\n", .statusLine),
        ("HTTP/1.1 2000 OK\r\n\r\n", .statusLine), ("HTTP/1.1  200 OK\r\n\r\n", .statusLine),
        ("HTTP/1.1 099 OK\r\n\r\n", .statusLine), ("HTTP/2.0 200 OK\r\n\r\n", .statusLine),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", .statusLine), ("HTTP/1.1 200 O\0K\r\n\r\n", .controlCharacter),
        (ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndEncoding),
        (ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", .lengthRepeated),
        (ok + "Content-Length: 1, 1\r\n\r\n", .lengthNoNumber), (ok + "Transfer-Encoding: gzip\r\n\r\n", .encoding),
        (ok + "X: 1\r\n 2\r\n\r\n", .foldedLine), (ok + "X : 1\r\n\r\n", .fieldName), (ok + "\n", .bareLineFeed),
        (ok + "X: 1\rSet-Cookie: a\r\n\r\n", .bareCarriageReturn), (ok + "Content-Length: 3\r\n\r\nab", .truncated),
        (ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .truncated), ("HTTP/1.1 200", .truncated),
        ("HTTP/1.1 100 Continue\r\n\r\n", .truncated), ("", .truncated),
        (ok + "Content-Length: 1\r\n\r\nab", .unexpectedAnswer),
        (ok + "Content-Length: 0\r\n\r\n" + ok + "\r\n", .unexpectedAnswer),
        ("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .unexpectedAnswer),
    ]

    @Test("each has its fault, and nothing more is said", arguments: faults)
    func refused(text: String, fault: HTTPFault) {
        let events = Read.responses(text)
        #expect(events.last == .fault(fault), "\(text.debugDescription): \(events)")
    }

    @Test("bytes before any request are a fault, an end is none")
    func unasked() {
        #expect(Read.responses("H".utf8, to: []).fault == .unexpectedAnswer)
        #expect(Read.responses("".utf8, to: []).isEmpty)
    }
}
