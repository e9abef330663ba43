import Testing
import WaypointRoute

@testable import WaypointHTTP

/// Messages that one reader takes for one request and another for two, or for another one.
@Suite("Ambiguous requests are refused")
struct RequestFaultTests {
    private static let post = "POST / HTTP/1.1\r\nHost: a\r\n"
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n"
    private static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"

    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let fault: HTTPFault

        init(_ text: String, _ fault: HTTPFault) { (self.text, self.fault) = (text, fault) }

        var testDescription: String { "\(fault): \(text.debugDescription)" }
    }

    static let lengths: [Row] = [
        Row(post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndEncoding),
        Row(post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", .lengthAndEncoding),
        Row(post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", .lengthRepeated),
        Row(post + "Content-Length: 5\r\nCONTENT-LENGTH: 5\r\n\r\n", .lengthRepeated),
        Row(post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", .lengthRepeated),
        Row(post + "Content-Length: 5, 5\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: +5\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: -0\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: 0x5\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: 5 5\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: 5.0\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: \"5\"\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length:\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: 9223372036854775808\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: 99999999999999999999999999\r\n\r\n", .lengthNoNumber),
        Row(post + "Content-Length: \u{0665}\r\n\r\n", .lengthNoNumber),
        Row(post + "Transfer-Encoding: chunked, chunked\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .encodingRepeated),
        Row(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", .encodingRepeated),
        Row(post + "Transfer-Encoding: identity\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: gzip, chunked\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: chunked, identity\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: ,chunked\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: xchunked\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: chunked;q=1\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: \"chunked\"\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding:\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding: chun\u{212a}ed\r\n\r\n", .encoding),
        Row(post + "Transfer-Encoding:\u{b}chunked\r\n\r\n", .controlCharacter),
        Row(post + "Transfer_Encoding : chunked\r\n\r\n", .fieldName),
    ]

    static let lines: [Row] = [
        Row(get + "X-A: b\r\n c\r\n\r\n", .foldedLine),
        Row(get + "X-A: b\r\n\tc\r\n\r\n", .foldedLine),
        Row(post + "Transfer-Encoding:\r\n chunked\r\n\r\n", .encoding),
        Row("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedLine),
        Row("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        Row("GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", .bareLineFeed),
        Row(get + "\n", .bareLineFeed),
        Row(get + "X-A: b\rc\r\n\r\n", .bareCarriageReturn),
        Row(get + "X-A: b\r\r\n\r\n", .bareCarriageReturn),
        Row("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
        Row("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        Row("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        Row("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row(get + "X-A: b\0c\r\n\r\n", .controlCharacter),
        Row(get + "X-A: b\u{7f}\r\n\r\n", .controlCharacter),
        Row(get + "X-\0A: b\r\n\r\n", .controlCharacter),
        Row(post + "Content-Length : 5\r\n\r\n", .fieldName),
        Row(post + "Content-Length\t: 5\r\n\r\n", .fieldName),
        Row(get + ": b\r\n\r\n", .fieldName),
        Row(get + "X-A\r\n\r\n", .fieldName),
        Row(get + "X A: b\r\n\r\n", .fieldName),
        Row(get + "X-\u{e9}: b\r\n\r\n", .fieldName),
        Row(get + "X(A): b\r\n\r\n", .fieldName),
        Row("GET / HTTP/1.1\r\nX-A: b\r\n\r\n", .hostMissing),
        Row("GET / HTTP/1.1\r\n\r\n", .hostMissing),
        Row(get + "Host: a\r\n\r\n", .hostRepeated),
        Row(get + "hOST: b\r\n\r\n", .hostRepeated),
        Row("GET / HTTP/1.1\r\nHost:\r\n\r\n", .request(.authority)),
        Row("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .request(.authority)),
        Row("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .request(.authority)),
        Row("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .request(.authority)),
        Row("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .request(.authority)),
        Row(get + "Expect: 200-ok\r\n\r\n", .expectation),
        Row(get + "Expect: 100-continue, x\r\n\r\n", .expectation),
    ]

    static let firstLines: [Row] = [
        Row("GET / HTTP/1.0\r\nHost: a\r\n\r\n", .oldVersion),
        Row("GET / HTTP/0.9\r\n\r\n", .oldVersion),
        Row("GET /\r\n\r\n", .requestLine),
        Row("GET  HTTP/1.1\r\n\r\n", .requestLine),
        Row("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unknownVersion),
        Row("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unknownVersion),
        Row("GET / HTTP/11\r\nHost: a\r\n\r\n", .requestLine),
        Row("GET / http/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .requestLine),
        Row("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine),
        Row("G{T / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.method)),
        Row("get / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.method)),
        Row("CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n", .connect),
        Row("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .asterisk),
        Row("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .request(.notOriginForm)),
        Row("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", .request(.notOriginForm)),
        Row("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .targetNotASCII),
        Row("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .request(.fragment)),
        Row("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", .request(.nul)),
        Row("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostDiffers),
        Row("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostDiffers),
        Row("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", .request(.authority)),
        Row("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .request(.authority)),
        Row("GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", .request(.authority)),
        Row("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .otherScheme),
        Row("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .otherScheme),
        Row("GET http://a/ HTTP/1.1\r\n\r\n", .hostMissing),
        Row("\u{16}\u{3}\u{1}", .controlCharacter),
        Row("\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unknownVersion),
    ]

    static let chunks: [Row] = [
        Row(chunked + "xyz\r\n\r\n", .chunkSize), Row(chunked + "\r\n", .chunkSize),
        Row(chunked + "-1\r\n\r\n", .chunkSize), Row(chunked + "+1\r\na\r\n0\r\n\r\n", .chunkSize),
        Row(chunked + "0x1\r\na\r\n0\r\n\r\n", .chunkSize), Row(chunked + " 1\r\na\r\n", .chunkSize),
        Row(chunked + "1 \r\na\r\n", .chunkSize), Row(chunked + "1 ;a\r\na\r\n", .chunkSize),
        Row(chunked + "1,a\r\na\r\n", .chunkSize), Row(chunked + "1_0\r\n", .chunkSize),
        Row(chunked + ";a\r\n", .chunkSize), Row(chunked + "8000000000000000\r\n", .chunkSize),
        Row(chunked + "10000000000000000\r\n", .chunkSize), Row(chunked + "00000000000000001\r\n", .chunkSize),
        Row(chunked + "1\na\n0\n\n", .chunkSize), Row(chunked + "1;a\nb\r\n", .bareLineFeed),
        Row(chunked + "1;a\rb\r\n", .bareCarriageReturn), Row(chunked + "1\rb\r\n", .bareCarriageReturn),
        Row(chunked + "1;\0\r\n", .controlCharacter), Row(chunked + "1\r\nab\r\n0\r\n\r\n", .chunkEnd),
        Row(chunked + "1\r\na0\r\n\r\n", .chunkEnd), Row(chunked + "1\r\na\r0\r\n\r\n", .chunkEnd),
        Row(chunked + "1\r\na\n0\r\n\r\n", .chunkEnd), Row(chunked + "0\n\n", .chunkSize),
        Row(chunked + "0\r\nX: 1\n\r\n", .bareLineFeed), Row(chunked + "0\r\n X: 1\r\n\r\n", .foldedLine),
        Row(chunked + "0\r\nX : 1\r\n\r\n", .fieldName), Row(chunked + "0\r\nX: \0\r\n\r\n", .controlCharacter),
        Row(chunked + "0\r\nGET / HTTP/1.1\r\n\r\n", .fieldName), Row(chunked + "0\r\n\rX", .bareCarriageReturn),
    ]

    @Test(
        "ISTIO-SECURITY-2020-003, 2022-006, 2025-003: each has its fault, and nothing behind it is read",
        arguments: lengths + lines + firstLines + chunks)
    func refused(row: Row) {
        let events = Read.requests(row.text + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        guard case .fault(row.fault)? = events.last else { return #expect(Bool(false), "\(events)") }
        #expect(!events.heads.contains { $0.head.target == "/smuggled" })
    }

    @Test("statuses of our answers")
    func statuses() {
        let known: [(HTTPFault, UInt16)] = [
            (.oldVersion, 426), (.unknownVersion, 505), (.connect, 405), (.startLineTooLong, 414),
            (.headTooLarge, 431), (.tooManyFields, 431), (.trailersTooLarge, 431), (.expectation, 417),
            (.request(.targetTooLong), 414), (.request(.authority), 400), (.bareLineFeed, 400), (.truncated, 400),
        ]
        for (fault, status) in known { #expect(fault.status == status && !fault.reason.isEmpty, "\(fault)") }
    }

    @Test("ISTIO-SECURITY-2019-005: limits of heads hold to the byte")
    func limits() {
        let line = { (count: Int) in "GET /\(String(repeating: "a", count: count - 16)) HTTP/1.1\r\n" }
        #expect(Read.requests(line(8192) + "Host: a\r\n\r\n").fault == nil)
        #expect(Read.requests(line(8193) + "Host: a\r\n\r\n").fault == .startLineTooLong)
        #expect(Read.requests(String(repeating: "a", count: 8192)).fault == .startLineTooLong)
        let fields = { (count: Int) in String(repeating: "x: 1\r\n", count: count) }
        #expect(Read.requests(Self.get + fields(99) + "\r\n").fault == nil)
        #expect(Read.requests(Self.get + fields(100) + "\r\n").fault == .tooManyFields)
        let empty = Self.get.utf8.count + "x: \r\n\r\n".utf8.count
        let value = { (count: Int) in "x: \(String(repeating: "b", count: count - empty))\r\n\r\n" }
        #expect(Read.requests(Self.get + value(60 * 1024)).fault == nil)
        #expect(Read.requests(Self.get + value(60 * 1024 + 1)).fault == .headTooLarge)
        #expect(Read.requests(Self.get + "x: " + String(repeating: "b", count: 60 * 1024)).fault == .headTooLarge)
        let chunk = { (count: Int) in "1;\(String(repeating: "e", count: count))\r\na\r\n0\r\n\r\n" }
        #expect(Read.requests(Self.chunked + chunk(16 * 1024)).fault == nil)
        #expect(Read.requests(Self.chunked + chunk(16 * 1024 + 1)).fault == .chunkExtensions)
        #expect(Read.requests(Self.chunked + String(repeating: "1;ee\r\na\r\n", count: 8193)).fault == .chunkExtensions)
        let trailers = { (count: Int) in "0\r\nt: \(String(repeating: "e", count: count - 7))\r\n\r\n" }
        #expect(Read.requests(Self.chunked + trailers(8192)).fault == nil)
        #expect(Read.requests(Self.chunked + trailers(8193)).fault == .trailersTooLarge)
        #expect(Read.requests(Self.chunked + "0\r\n" + fields(101) + "\r\n").fault == .trailersTooLarge)
    }
}
