import MeshModel
import NIOCore
import WaypointHTTP
import WaypointRoute

// libFuzzer's entry: hostile messages. First byte: requests or answers, and what was asked; second: where the input is
// cut in two. What is read from the pieces must be what is read from the whole, and what is written of it must be read
// as the same messages again.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP1(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard bytes.count >= 2 else { return 0 }
    let rest = bytes[2...]
    let cut = rest.startIndex + rest.count * Int(bytes[1]) / 256
    let pieces = [rest[..<cut], rest[cut...]]
    if bytes[0] & 1 == 0 {
        let whole = RequestFuzz.read([rest])
        precondition(RequestFuzz.read(pieces) == whole, "the pieces are read otherwise")
        RequestFuzz.checkAgain(whole)
    } else {
        let (method, upgrades): (RequestMethod, Bool) = (.known(bytes[0] & 2 == 0 ? .get : .head), bytes[0] & 4 != 0)
        let whole = ResponseFuzz.read([rest], method, upgrades)
        precondition(ResponseFuzz.read(pieces, method, upgrades) == whole, "the pieces are read otherwise")
        ResponseFuzz.checkAgain(whole, method, upgrades)
    }
    return 0
}

enum RequestFuzz {
    static func read(_ pieces: [ArraySlice<UInt8>], limits: HTTPLimits = fuzzLimits) -> [RequestEvent] {
        var reader = RequestReader(limits: limits)
        var buffer = ByteBuffer()
        var events: [RequestEvent] = []
        for piece in pieces {
            buffer.writeBytes(piece)
            while let event = reader.next(from: &buffer) {
                if case .body(var last)? = events.last, case .body(let more) = event {
                    last.writeImmutableBuffer(more)
                    events[events.count - 1] = .body(last)
                } else {
                    events.append(event)
                }
            }
        }
        if let event = reader.inputEnded(buffer) { events.append(event) }
        precondition(reader.next(from: &buffer) == nil)
        return events
    }

    /// Only whole requests are written, as a proxy would.
    static func checkAgain(_ events: [RequestEvent]) {
        var buffer = ByteBuffer()
        var framing = BodyFraming.none
        var whole = 0
        var heads: [ReceivedRequest] = []
        for event in events {
            switch event {
            case .head(let received):
                framing = received.framing
                heads.append(received)
                written { () throws(WriteFault) in
                    try MessageWriter.write(received.head, framing: framing, into: &buffer)
                }
            case .body(let bytes): MessageWriter.write(bytes, framing: framing, into: &buffer)
            case .end(let trailers):
                whole = events.count { if case .end = $0 { true } else { false } }
                written { () throws(WriteFault) in
                    try MessageWriter.writeEnd(trailers, framing: framing, into: &buffer)
                }
            case .fault, .http2Preface: break
            }
        }
        guard !heads.isEmpty else { return }
        let again = read([Array(buffer.readableBytesView)[...]], limits: HTTPLimits())
        let headsAgain = again.compactMap { if case .head(let head) = $0 { head } else { nil } }
        precondition(again.count { if case .end = $0 { true } else { false } } == whole, "other ends: \(again)")
        precondition(headsAgain.count == heads.count)
        for (left, right) in zip(heads, headsAgain) {
            precondition(left.head.method == right.head.method && left.head.authority == right.head.authority)
            precondition(left.head.path.target == right.head.path.target && left.framing == right.framing)
            precondition(plain(left.head.headers) == plain(right.head.headers))
        }
    }
}

enum ResponseFuzz {
    static func read(
        _ pieces: [ArraySlice<UInt8>], _ method: RequestMethod, _ upgrades: Bool, limits: HTTPLimits = fuzzLimits
    ) -> [ResponseEvent] {
        var reader = ResponseReader(limits: limits)
        var buffer = ByteBuffer()
        var events: [ResponseEvent] = []
        var asked = 0
        for piece in pieces {
            buffer.writeBytes(piece)
            while true {
                if reader.isIdle, asked < 2 {
                    reader.expectAnswer(to: method, upgrades: upgrades)
                    asked += 1
                }
                guard let event = reader.next(from: &buffer) else { break }
                if case .body(var last)? = events.last, case .body(let more) = event {
                    last.writeImmutableBuffer(more)
                    events[events.count - 1] = .body(last)
                } else {
                    events.append(event)
                }
            }
        }
        if let event = reader.inputEnded() { events.append(event) }
        return events
    }

    static func checkAgain(_ events: [ResponseEvent], _ method: RequestMethod, _ upgrades: Bool) {
        var buffer = ByteBuffer()
        var framing = BodyFraming.none
        for event in events {
            switch event {
            case .interim(let head), .upgraded(let head):
                written { () throws(WriteFault) in try MessageWriter.write(head, framing: .none, into: &buffer) }
            case .head(let received):
                framing = received.framing == .untilClose ? .chunked : received.framing
                written { () throws(WriteFault) in
                    try MessageWriter.write(received.head, framing: framing, into: &buffer)
                }
            case .body(let bytes): MessageWriter.write(bytes, framing: framing, into: &buffer)
            case .end(let trailers):
                written { () throws(WriteFault) in
                    try MessageWriter.writeEnd(trailers, framing: framing, into: &buffer)
                }
            case .fault: return
            }
        }
        let again = read([Array(buffer.readableBytesView)[...]], method, upgrades, limits: HTTPLimits())
        precondition(shape(again) == shape(events), "\(events) became \(again)")
    }

    /// What must be the same; framing by the connection's end has become chunks, which a status may rule out.
    private static func shape(_ events: [ResponseEvent]) -> [String] {
        events.compactMap { event in
            switch event {
            case .interim(let head), .upgraded(let head): "\(head.status) \(plain(head.headers))"
            case .head(let received): "\(received.head.status) \(plain(received.head.headers))"
            case .body(let bytes): String(buffer: bytes)
            case .end(let trailers): trailers.map(plain) ?? "end"
            case .fault(.truncated): nil
            case .fault(let fault): "\(fault)"
            }
        }
    }
}

let fuzzLimits = {
    var limits = HTTPLimits()
    (limits.startLineBytesMax, limits.headBytesMax, limits.fieldsMax) = (100, 300, 8)
    (limits.trailerBytesMax, limits.chunkExtensionBytesMax, limits.interimAnswersMax) = (60, 10, 2)
    return limits
}()

/// What was read can be written.
private func written(_ body: () throws(WriteFault) -> Void) {
    do { try body() } catch { preconditionFailure("what was read cannot be written: \(error)") }
}

private func plain(_ list: HeaderList) -> String {
    var list = list
    list.removeAll { $0.elementsEqual("content-length".utf8) || $0.elementsEqual("transfer-encoding".utf8) }
    return list.pairs.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
}
