import MeshModel
import NIOCore
import Testing
import WaypointRoute

@testable import WaypointHTTP

@Suite("Input in pieces is read as input in one")
struct SplitTests {
    @Test("every refused request, byte by byte and cut at each place")
    func faults() {
        let all = RequestFaultTests.lengths + RequestFaultTests.lines + RequestFaultTests.firstLines
            + RequestFaultTests.chunks
        for row in all {
            let bytes = Array((row.text + "GET / HTTP/1.1\r\nHost: a\r\n\r\n").utf8)
            let whole = Read.requests(bytes)
            #expect(Read.requests(bytes, cuts: Array(1..<bytes.count)) == whole, "\(row)")
            for cut in 1..<bytes.count {
                #expect(Read.requests(bytes, cuts: [cut]) == whole, "\(row) cut at \(cut)")
            }
        }
    }

    @Test("every refused answer, byte by byte and cut at each place")
    func answers() {
        for (text, _) in ResponseReaderTests.faults where !text.isEmpty {
            let bytes = Array(text.utf8)
            let whole = Read.responses(bytes)
            #expect(Read.responses(bytes, cuts: Array(1..<bytes.count)) == whole, "\(text)")
            for cut in 1..<bytes.count { #expect(Read.responses(bytes, cuts: [cut]) == whole, "\(text) at \(cut)") }
        }
    }

    @Test("well-formed requests and answers, and the same with bytes changed", arguments: 0..<300)
    func random(seed: Int) {
        var maker = MessageMaker(seed: UInt64(seed))
        for isBroken in [false, true] {
            var requests = Array((maker.request() + maker.request()).utf8)
            var answers = Array((maker.response() + maker.response()).utf8)
            if isBroken {
                for _ in 0..<maker.number(1...3) {
                    let byte = maker.pick([0, 9, 10, 13, 32, 44, 58, 59, 48, 0x80, 0xff] as [UInt8])
                    requests[maker.number(0...(requests.count - 1))] = byte
                    answers[maker.number(0...(answers.count - 1))] = byte
                }
            }
            let methods: [RequestMethod] = [.known(.get), .known(.post)]
            let (wholeRequests, wholeAnswers) = (Read.requests(requests), Read.responses(answers, to: methods))
            if !isBroken {
                #expect(wholeRequests.endCount == 2 && wholeAnswers.endCount == 2, "\(wholeRequests) \(wholeAnswers)")
            }
            for _ in 0..<4 {
                let cuts = maker.cuts(requests.count)
                #expect(Read.requests(requests, cuts: cuts) == wholeRequests, "seed \(seed), cuts \(cuts)")
                let others = maker.cuts(answers.count)
                #expect(Read.responses(answers, to: methods, cuts: others) == wholeAnswers, "seed \(seed)")
            }
        }
    }

    @Test("limits are the same however the input comes")
    func limits() {
        var limits = HTTPLimits()
        (limits.startLineBytesMax, limits.headBytesMax, limits.fieldsMax) = (30, 80, 4)
        (limits.trailerBytesMax, limits.chunkExtensionBytesMax) = (20, 5)
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        let texts = [
            "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n", "\(head)X: 12345678901234567890123456\r\n\r\n",
            "\(head)A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", "\(head)\r\n1;12345\r\na\r\n1;6\r\n",
            "\(head)\r\n0\r\nA: 123\r\nB: 456789\r\n\r\n",
            String(repeating: "a", count: 100), "GET / HTTP/1.1\r\n" + String(repeating: "a", count: 100),
        ]
        for text in texts {
            let bytes = Array(text.utf8)
            let whole = Read.requests(bytes, limits: limits)
            #expect(whole.fault != nil && whole.fault != .truncated, "\(text): \(whole)")
            for cut in 1..<bytes.count {
                #expect(Read.requests(bytes, cuts: [cut], limits: limits) == whole, "\(text) cut at \(cut)")
            }
        }
    }
}
