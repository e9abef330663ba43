import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointHTTP

@Suite("Messages are written")
struct MessageWriterTests {
    private func head(_ pairs: [(String, String)], target: String = "/x?y") throws -> RequestHead {
        RequestHead(
            method: .known(.get), scheme: .http, authority: try RequestAuthority("a:81".utf8),
            path: try RequestPath(target.utf8), headers: HeaderList(pairs))
    }

    private func text(_ body: (inout ByteBuffer) throws -> Void) rethrows -> String {
        var buffer = ByteBuffer()
        try body(&buffer)
        return String(buffer: buffer)
    }

    @Test("a request: Host first, the framing last and said once")
    func request() throws {
        let head = try head([
            ("X-One", " 1 "), ("Host", "forged"), ("Content-Length", "7"), ("Transfer-Encoding", "chunked"), ("x", ""),
        ])
        let start = "GET /x?y HTTP/1.1\r\nhost: a:81\r\nx-one: 1\r\nx: \r\n"
        #expect(try text { try MessageWriter.write(head, framing: .none, into: &$0) } == start + "\r\n")
        #expect(
            try text { try MessageWriter.write(head, framing: .length(1_234_567_890), into: &$0) }
                == start + "content-length: 1234567890\r\n\r\n")
        #expect(
            try text { try MessageWriter.write(head, framing: .chunked, into: &$0) }
                == start + "transfer-encoding: chunked\r\n\r\n")
    }

    @Test("an answer: our text for the status; the length of a body that is not there stays")
    func response() throws {
        let head = ResponseHead(status: 200, headers: HeaderList([("Content-Length", "9"), ("a", "b")]))
        #expect(
            try text { try MessageWriter.write(head, framing: .none, into: &$0) }
                == "HTTP/1.1 200 OK\r\ncontent-length: 9\r\na: b\r\n\r\n")
        #expect(
            try text { try MessageWriter.write(head, framing: .length(0), into: &$0) }
                == "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 0\r\n\r\n")
        let other = ResponseHead(status: 999)
        #expect(
            try text { try MessageWriter.write(other, framing: .chunked, into: &$0) }
                == "HTTP/1.1 999 Status\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(throws: WriteFault.status) {
            try text { try MessageWriter.write(ResponseHead(status: 99), framing: .none, into: &$0) }
        }
    }

    @Test("bodies and their ends")
    func bodies() throws {
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 0x1a0)
        let chunk = text { MessageWriter.write(body, framing: .chunked, into: &$0) }
        #expect(chunk.hasPrefix("1a0\r\nxx") && chunk.hasSuffix("x\r\n"))
        for (count, size) in [(1, "1"), (15, "f"), (16, "10"), (0xffff, "ffff"), (Int.max, "7fffffffffffffff")] {
            #expect(text { MessageWriter.writeChunkStart(count: count, into: &$0) } == "\(size)\r\n")
        }
        #expect(text { MessageWriter.write(body, framing: .length(0x1a0), into: &$0) }.count == 0x1a0)
        #expect(text { MessageWriter.write(ByteBuffer(), framing: .chunked, into: &$0) } == "")
        let trailers = HeaderList([("X-Sum", "1"), ("Content-Length", "5"), ("Host", "b")])
        #expect(
            try text { try MessageWriter.writeEnd(trailers, framing: .chunked, into: &$0) } == "0\r\nx-sum: 1\r\n\r\n")
        #expect(try text { try MessageWriter.writeEnd(nil, framing: .chunked, into: &$0) } == "0\r\n\r\n")
        #expect(try text { try MessageWriter.writeEnd(trailers, framing: .length(3), into: &$0) } == "")
    }

    @Test(
        "what would be read as something else is not written, nor anything of its head",
        arguments: [
            ("x", "a\r\nb: c"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\0b"), ("x", "\u{7f}"), ("x\r\ny", "a"),
            ("x y", "a"), ("", "a"), ("x:", "a"),
        ])
    func refused(name: String, value: String) throws {
        var buffer = ByteBuffer(string: "before")
        let request = try head([("ok", "1"), (name, value)])
        #expect(throws: WriteFault.field) { try MessageWriter.write(request, framing: .none, into: &buffer) }
        let answer = ResponseHead(status: 200, headers: request.headers)
        #expect(throws: WriteFault.field) { try MessageWriter.write(answer, framing: .none, into: &buffer) }
        #expect(throws: WriteFault.field) {
            try MessageWriter.writeEnd(request.headers, framing: .chunked, into: &buffer)
        }
        #expect(String(buffer: buffer) == "before")
    }

    @Test("what was read, written and read again is the same", arguments: 0..<200)
    func roundTrip(seed: Int) throws {
        var maker = MessageMaker(seed: UInt64(seed))
        let (request, answer) = (Read.requests(maker.request()), Read.responses(maker.response()))
        var (requestBytes, answerBytes) = (ByteBuffer(), ByteBuffer())
        var framing = BodyFraming.none
        for event in request {
            switch event {
            case .head(let received):
                framing = received.framing
                try MessageWriter.write(received.head, framing: framing, into: &requestBytes)
            case .body(let bytes): MessageWriter.write(bytes, framing: framing, into: &requestBytes)
            case .end(let trailers): try MessageWriter.writeEnd(trailers, framing: framing, into: &requestBytes)
            case .fault, .http2Preface: Issue.record("\(event)")
            }
        }
        for event in answer {
            switch event {
            case .head(let received):
                framing = received.framing
                try MessageWriter.write(received.head, framing: framing, into: &answerBytes)
            case .body(let bytes): MessageWriter.write(bytes, framing: framing, into: &answerBytes)
            case .end(let trailers): try MessageWriter.writeEnd(trailers, framing: framing, into: &answerBytes)
            case .interim, .upgraded, .fault: Issue.record("\(event)")
            }
        }
        let (again, answerAgain) = (
            Read.requests(requestBytes.readableBytesView), Read.responses(answerBytes.readableBytesView)
        )
        #expect(plain(again) == plain(request), "seed \(seed)")
        #expect(plain(answerAgain) == plain(answer), "seed \(seed)")
    }

    /// Without the fields that say the framing again; the writer has put them elsewhere.
    private func plain(_ list: HeaderList) -> HeaderList {
        var list = list
        list.removeAll { $0.elementsEqual("content-length".utf8) || $0.elementsEqual("transfer-encoding".utf8) }
        return list
    }

    private func plain(_ events: [RequestEvent]) -> [String] {
        events.map { event in
            if case .body(let bytes) = event { return String(buffer: bytes) }
            guard case .head(var received) = event else { return "\(event)" }
            received.head.headers = plain(received.head.headers)
            return "\(received.head.method) \(received.head.target) \(received.framing) \(received.head.headers.text)"
        }
    }

    private func plain(_ events: [ResponseEvent]) -> [String] {
        events.map { event in
            if case .body(let bytes) = event { return String(buffer: bytes) }
            guard case .head(let received) = event else { return "\(event)" }
            return "\(received.head.status) \(received.framing) \(plain(received.head.headers).text)"
        }
    }
}
