import MeshModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing
import WaypointRoute

@testable import WaypointHTTP

/// Where a message is well formed there is one reading of it: SwiftNIO's parser and ours must agree.
@Suite("Well-formed messages are read as another parser reads them")
struct DifferentialTests {
    @Test("requests", arguments: 0..<300)
    func requests(seed: Int) throws {
        var maker = MessageMaker(seed: UInt64(seed) &+ 1000)
        let text = maker.request() + maker.request()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        try channel.writeInbound(ByteBuffer(string: text))
        var theirs: [String] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                let method = head.method.rawValue
                theirs.append("\(method) \(path(head.uri, method)) \(lines(head.headers))")
            case .body(let bytes): join("body " + String(buffer: bytes), to: &theirs)
            case .end(let trailers): theirs.append("end \(trailers.map(lines) ?? "")")
            }
        }
        _ = try? channel.finish()
        let ours = Read.requests(text).map { event in
            switch event {
            case .head(let received):
                "\(name(received.head.method)) \(received.head.target) \(lines(received.head.headers))"
            case .body(let bytes): "body " + String(buffer: bytes)
            case .end(let trailers): "end \(trailers.map(lines) ?? "")"
            case .fault(let fault): "\(fault)"
            case .http2Preface: "preface"
            }
        }
        #expect(ours == theirs, "seed \(seed): \(text)")
    }

    @Test("answers", arguments: 0..<300)
    func responses(seed: Int) throws {
        var maker = MessageMaker(seed: UInt64(seed) &+ 5000)
        let text = maker.response()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers(
            HTTPRequestEncoder(), ByteToMessageHandler(HTTPResponseDecoder()))
        let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        try channel.writeOutbound(HTTPClientRequestPart.head(request))
        try channel.writeInbound(ByteBuffer(string: text))
        var theirs: [String] = []
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): theirs.append("\(head.status.code) \(lines(head.headers))")
            case .body(let bytes): join("body " + String(buffer: bytes), to: &theirs)
            case .end(let trailers): theirs.append("end \(trailers.map(lines) ?? "")")
            }
        }
        _ = try? channel.finish()
        let ours = Read.responses(text).map { event in
            switch event {
            case .head(let received): "\(received.head.status) \(lines(received.head.headers))"
            case .body(let bytes): "body " + String(buffer: bytes)
            case .end(let trailers): "end \(trailers.map(lines) ?? "")"
            case .interim, .upgraded, .fault: "\(event)"
            }
        }
        #expect(ours == theirs, "seed \(seed): \(text)")
    }

    private func join(_ piece: String, to events: inout [String]) {
        if let last = events.last, last.hasPrefix("body ") {
            events[events.count - 1] = last + piece.dropFirst(5)
        } else {
            events.append(piece)
        }
    }

    private func name(_ method: RequestMethod) -> String {
        switch method {
        case .known(let method): method.rawValue
        case .other(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// As our reader takes a target of the maker's apart.
    private func path(_ target: String, _ method: String) -> String {
        guard !target.hasPrefix("/") else { return target }
        return target.hasSuffix("/x") ? "/x" : method == "OPTIONS" ? "*" : "/"
    }

    private func lines(_ headers: HTTPHeaders) -> String {
        headers.filter { $0.name.lowercased() != "host" }
            .map { "\($0.name.lowercased()): \(trimmed($0.value))" }.joined(separator: "\n")
    }

    /// SwiftNIO leaves white space behind values.
    private func trimmed(_ value: String) -> String {
        String(decoding: Array(value.utf8)[...].trimmingBlanks, as: UTF8.self)
    }

    private func lines(_ headers: HeaderList) -> String { headers.text }
}
