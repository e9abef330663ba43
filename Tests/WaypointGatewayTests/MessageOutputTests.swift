import NIOCore
import Testing
import WaypointHTTP
import WaypointRoute

@testable import WaypointGateway

@Suite("What one side sends")
struct MessageOutputTests {
    private func pieces(_ framing: BodyFraming, _ body: ByteBuffer) throws -> [ByteBuffer] {
        var output = MessageOutput()
        var pieces: [ByteBuffer] = []
        try output.write(ResponseHead(status: 200), framing: framing)
        output.write(body) { pieces.append($0) }
        try output.end(nil)
        if let rest = output.take() { pieces.append(rest) }
        #expect(output.take() == nil)
        return pieces
    }

    @Test("a short message is one write")
    func short() throws {
        let pieces = try pieces(.length(5), ByteBuffer(string: "hello"))
        #expect(pieces.map { String(buffer: $0) } == ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"])
        let chunks = try self.pieces(.chunked, ByteBuffer(string: "hello"))
        #expect(
            chunks.map { String(buffer: $0) }
                == ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    }

    @Test("a long body goes on by itself, between what stands around it")
    func long() throws {
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 5000)
        let plain = try pieces(.length(5000), body)
        #expect(plain.count == 2 && plain[1] == body)
        let chunked = try pieces(.chunked, body)
        #expect(chunked.count == 3 && chunked[1] == body)
        #expect(String(buffer: chunked[0]).hasSuffix("\r\n\r\n1388\r\n"))
        #expect(String(buffer: chunked[2]) == "\r\n0\r\n\r\n")
    }

    @Test("what was taken stays as it is when the next message is written")
    func taken() throws {
        var output = MessageOutput()
        try output.write(ResponseHead(status: 200), framing: .none)
        let first = output.take()
        try output.write(ResponseHead(status: 404), framing: .none)
        #expect(first.map { String(buffer: $0) } == "HTTP/1.1 200 OK\r\n\r\n")
        #expect(output.take().map { String(buffer: $0) } == "HTTP/1.1 404 Not Found\r\n\r\n")
    }
}
