import HBONE
import NIOCore

// libFuzzer's entry: hostile bytes after the handshake. First byte: role, purpose and the driver's temper; second:
// where the input is cut in two.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard bytes.count >= 2 else { return 0 }
    let role: HTTP2Session.Role = bytes[0] & 1 == 0 ? .server : .client
    let purpose: HTTP2Purpose = bytes[0] & 0x80 == 0 ? .tunnel : .messages
    var limits = HTTP2Limits(role: role)
    limits.streamWindowBytes = 65_535
    limits.streamWindowBytesMax = 100_000
    limits.connectionWindowBytes = 65_535
    limits.connectionBufferBytesMax = 80_000
    limits.concurrentStreamsMax = 4
    let session = HTTP2Session(role: role, purpose: purpose, limits: limits)
    var run = FuzzRun(session: session, temper: bytes[0] >> 1 & 0x3f)
    run.session.start(into: &run.output)
    if role == .server { run.input.writeString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }
    run.input.writeBytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    if role == .client {
        for method in ["GET", "HEAD"] {
            switch purpose {
            case .tunnel: _ = try? run.session.openStream(ConnectRequest(authority: "a:1"), output: &run.output)
            case .messages:
                let head = HTTP2RequestHead(method: method, authority: "a", path: "/")
                _ = try? run.session.openRequest(head, endStream: method == "HEAD", output: &run.output)
            }
        }
    }
    let rest = bytes.dropFirst(2)
    let cut = rest.startIndex + rest.count * Int(bytes[1]) / 256
    run.feed(rest[..<cut])
    run.feed(rest[cut...])
    return 0
}

struct FuzzRun {
    var session: HTTP2Session
    var temper: UInt8
    var input = ByteBuffer()
    var output = ByteBuffer()

    mutating func feed(_ bytes: ArraySlice<UInt8>) {
        input.writeBytes(bytes)
        do {
            switch session.purpose {
            case .tunnel:
                while let event = try session.nextEvent(from: &input, now: .uptimeNanoseconds(1), output: &output) {
                    answer(event)
                }
            case .messages:
                while let event = try session.nextMessageEvent(
                    from: &input, now: .uptimeNanoseconds(1), output: &output)
                {
                    answer(event)
                }
            }
        } catch {
            precondition(session.hasFailed)
        }
        precondition(session.unconsumedBytes >= 0)
        precondition(session.unconsumedBytes <= session.limits.connectionBufferBytesMax)
        precondition(session.openStreamCount >= 0 && session.openStreamCount <= 4)
    }

    private mutating func answer(_ event: HTTP2MessageEvent) {
        switch event {
        case .section(let stream, .request(let head), _):
            precondition(!head.authority.isEmpty && !head.path.isEmpty && !head.method.elementsEqual("CONNECT".utf8))
            if temper & 1 != 0 {
                let answer = HTTP2ResponseHead(status: 200, fields: head.fields)
                try? session.sendResponse(stream, answer, endStream: temper & 2 != 0, output: &output)
            }
            if temper & 8 != 0 { try? session.sendTrailers(stream, head.fields, output: &output) }
        case .section(let stream, .refused(let reason), _):
            try? session.sendResponse(stream, .init(status: reason.status), endStream: true, output: &output)
        case .section(let stream, .trailers(let fields), _):
            try? session.sendTrailers(stream, fields, output: &output)
        case .section(_, .interim(let head), _): precondition(head.status < 200)
        case .section(_, .response(let head), _): precondition(head.status >= 200)
        case .event(let event): answer(event)
        }
    }

    private mutating func answer(_ event: HTTP2Event) {
        switch event {
        case .connectRequest(let stream, _, _):
            if temper & 1 != 0 { session.respond(stream, status: 200, output: &output) }
            if temper & 2 != 0 { session.reset(stream, code: .cancel, output: &output) }
        case .badRequest(let stream, let reason):
            session.respond(stream, status: reason.status, endStream: true, output: &output)
        case .data(let stream, let bytes, let creditBytes, _):
            if temper & 4 != 0 { session.credit(stream, bytes: creditBytes, output: &output) }
            if temper & 8 != 0 { session.discard(stream, output: &output) }
            if temper & 16 != 0 { session.reset(stream, code: .cancel, output: &output) }
            var echo = bytes
            _ = session.sendData(stream, &echo, endStream: temper & 32 != 0, output: &output)
        case .settingsReceived, .settingsAcknowledged, .response, .reset, .streamFailed, .sendWindowOpened,
            .pingAcknowledged, .goAway:
            break
        }
    }
}
