import HBONE
import NIOCore
import SeededTesting
import Testing

/// Two sessions talk over wires that cut bytes at random places; streams, data, credits and resets come at random.
/// What each side sent on a stream is a running pattern, so loss and disorder show at once.
struct Conversation {
    struct Side {
        var session: HTTP2Session
        var output = ByteBuffer()
        /// Bytes on their way to this side.
        var wire = ByteBuffer()
        var input = ByteBuffer()
        /// By stream: bytes sent, bytes received, bytes handed up and not credited.
        var sent: [UInt32: Int] = [:]
        var received: [UInt32: Int] = [:]
        var held: [UInt32: Int] = [:]
        var open: [UInt32] = []
        /// Streams with a reset on either side: their byte counts need not agree.
        var broken: Set<UInt32> = []
        var endSent: Set<UInt32> = []
        var endReceived: Set<UInt32> = []
        var requests: [UInt32: ConnectRequest] = [:]
    }

    var sides: [Side]
    var random: SeededGenerator
    var now = NIODeadline.uptimeNanoseconds(1)
    var failures: [String] = []

    init(seed: UInt64, _ change: (inout HTTP2Limits) -> Void) {
        random = SeededGenerator(seed: seed)
        sides = [HTTP2Session.Role.client, .server].map { role in
            var limits = HTTP2Limits(role: role)
            change(&limits)
            return Side(session: HTTP2Session(role: role, limits: limits))
        }
        for index in 0..<2 { with(index) { $0.session.start(into: &$0.output) } }
    }

    mutating func with<R>(_ side: Int, _ body: (inout Side) throws -> R) rethrows -> R { try body(&sides[side]) }

    /// Streams carry pieces of one endless text, each from its own place in it.
    static let text: ByteBuffer = {
        var random = SeededGenerator(seed: 4711)
        let once = (0..<period).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return ByteBuffer(bytes: once + once)
    }()
    /// Above the longest piece.
    static let period = 70_001

    static func piece(_ stream: UInt32, _ offset: Int, _ count: Int) -> ByteBuffer {
        text.getSlice(at: (offset + Int(stream) * 97) % period, length: count) ?? ByteBuffer()
    }

    mutating func step() throws {
        let side = Int.random(in: 0...1, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<8: openStream()
        case 8..<35: send(side)
        case 35..<55: credit(side)
        case 55..<56: reset(side)
        case 56..<57:
            let opaque = random.next()
            with(side) { $0.session.ping(opaque: opaque, output: &$0.output) }
        case 57..<60: now = now + .milliseconds(Int64.random(in: 0...2000, using: &random))
        default: try deliver(from: side, everything: false)
        }
        check()
    }

    mutating func openStream() {
        guard sides[0].session.canOpenStream else { return }
        let long = Int.random(in: 0..<20, using: &random) == 0 ? 10_000 : 20
        let text = String(repeating: "b", count: Int.random(in: 0...long, using: &random))
        let request = ConnectRequest(
            authority: "10.0.0.\(Int.random(in: 0...9, using: &random)):80", baggage: text.isEmpty ? nil : text,
            traceparent: "\(random.next())")
        do {
            let stream = try with(0) { try $0.session.openStream(request, output: &$0.output) }
            sides[0].requests[stream.value] = request
            sides[0].open.append(stream.value)
        } catch { failures.append("\(error)") }
    }

    mutating func send(_ side: Int) {
        guard let stream = sides[side].open.randomElement(using: &random) else { return }
        let id = HTTP2StreamID(stream)
        guard sides[side].session.isSendOpen(id) else { return }
        let start = sides[side].sent[stream, default: 0]
        let count = Int.random(in: 0...(Bool.random(using: &random) ? 50 : 40_000), using: &random)
        var data = Self.piece(stream, start, count)
        let end = Int.random(in: 0..<30, using: &random) == 0
        let sendable = sides[side].session.sendableBytes(id)
        let taken = with(side) { $0.session.sendData(id, &data, endStream: end, output: &$0.output) }
        if taken != min(sendable, count) { failures.append("took \(taken), sendable \(sendable), had \(count)") }
        if data.readableBytes != count - taken { failures.append("taken bytes stay") }
        sides[side].sent[stream] = start + taken
        if end, taken == count, !sides[side].session.isSendOpen(id) { sides[side].endSent.insert(stream) }
    }

    mutating func credit(_ side: Int) {
        guard let (stream, held) = sides[side].held.randomElement(using: &random) else { return }
        let bytes = Int.random(in: 1...held, using: &random)
        with(side) { $0.session.credit(HTTP2StreamID(stream), bytes: bytes, output: &$0.output) }
        sides[side].held[stream] = held == bytes ? nil : held - bytes
    }

    mutating func reset(_ side: Int) {
        guard let stream = sides[side].open.randomElement(using: &random) else { return }
        with(side) { $0.session.reset(HTTP2StreamID(stream), code: .cancel, output: &$0.output) }
        forget(stream, side)
    }

    mutating func forget(_ stream: UInt32, _ side: Int) {
        for each in 0..<2 { sides[each].broken.insert(stream) }
        sides[side].open.removeAll { $0 == stream }
    }

    mutating func deliver(from side: Int, everything: Bool) throws {
        let other = 1 - side
        var written = sides[side].output
        sides[side].output = ByteBuffer()
        sides[other].wire.writeBuffer(&written)
        let count = everything
            ? sides[other].wire.readableBytes
            : Int.random(in: 0...min(30_000, sides[other].wire.readableBytes), using: &random)
        guard var piece = sides[other].wire.readSlice(length: count) else { return }
        sides[other].wire.discardReadBytes()
        sides[other].input.writeBuffer(&piece)
        while let event = try nextEvent(other) { handle(event, other) }
    }

    private mutating func nextEvent(_ side: Int) throws -> HTTP2Event? {
        let now = now
        return try with(side) { try $0.session.nextEvent(from: &$0.input, now: now, output: &$0.output) }
    }

    private mutating func handle(_ event: HTTP2Event, _ side: Int) {
        switch event {
        case .connectRequest(let id, let request, _):
            if sides[0].requests[id.value] != request { failures.append("request \(id) changed") }
            sides[1].open.append(id.value)
            with(1) { $0.session.respond(id, status: 200, baggage: request.baggage, output: &$0.output) }
        case .response(let id, let response, _):
            if response.baggage != sides[0].requests[id.value]?.baggage { failures.append("response \(id) changed") }
        case .data(let id, let bytes, let creditBytes, let end):
            let offset = sides[side].received[id.value, default: 0]
            if bytes != Self.piece(id.value, offset, bytes.readableBytes) {
                failures.append("stream \(id) differs after \(offset)")
            }
            sides[side].received[id.value] = offset + bytes.readableBytes
            if creditBytes > 0 { sides[side].held[id.value, default: 0] += creditBytes }
            if end { sides[side].endReceived.insert(id.value) }
        case .reset(let id, _): forget(id.value, side)
        case .streamFailed(let id, let error): failures.append("stream \(id): \(error)")
        case .badRequest(let id, let reason): failures.append("request \(id): \(reason)")
        case .settingsReceived, .settingsAcknowledged, .sendWindowOpened, .pingAcknowledged, .goAway: break
        }
    }

    mutating func check() {
        for index in 0..<2 {
            let session = sides[index].session
            let held = sides[index].held.values.reduce(0, +)
            // The rest is announced by the DATA frame that is arriving.
            if session.unconsumedBytes < held { failures.append("holds \(held), counts \(session.unconsumedBytes)") }
            if session.unconsumedBytes > session.limits.connectionBufferBytesMax { failures.append("budget exceeded") }
        }
    }

    /// Everything in flight arrives, everything held is credited; then both ends must agree.
    mutating func settle() throws {
        for _ in 0..<12 {
            for side in 0..<2 { try deliver(from: side, everything: true) }
            for side in 0..<2 {
                for (stream, held) in sides[side].held {
                    with(side) { $0.session.credit(HTTP2StreamID(stream), bytes: held, output: &$0.output) }
                }
                sides[side].held = [:]
            }
        }
        for side in 0..<2 {
            if sides[side].session.unconsumedBytes != 0 { failures.append("bytes remain") }
            if sides[side].input.readableBytes != 0 { failures.append("input remains") }
            let other = 1 - side
            for (stream, sent) in sides[side].sent where !sides[side].broken.contains(stream) {
                let got = sides[other].received[stream, default: 0]
                if got != sent { failures.append("stream \(stream): sent \(sent), arrived \(got)") }
                let ended = sides[side].endSent.contains(stream)
                if ended != sides[other].endReceived.contains(stream) { failures.append("stream \(stream): end lost") }
            }
        }
        if sides[0].session.openStreamCount != sides[1].session.openStreamCount {
            failures.append("open: \(sides.map(\.session.openStreamCount))")
        }
    }
}

@Suite struct MachinePropertyTests {
    static let shapes: [(String, @Sendable (inout HTTP2Limits) -> Void)] = [
        ("reference", { _ in }),
        (
            "small windows",
            { limits in
                limits.streamWindowBytes = 65_535
                limits.streamWindowBytesMax = 300_000
                limits.connectionWindowBytes = 100_000
                limits.connectionBufferBytesMax = 150_000
            }
        ),
        (
            "tiny frames, few streams",
            { limits in
                limits.sentFrameBytesMax = 100
                limits.receivedFrameBytesMax = 16_384
                limits.concurrentStreamsMax = 4
                limits.openedStreamsMax = 10
            }
        ),
    ]

    @Test("two sessions agree whatever happens between them", arguments: UInt64(1)...24)
    func conversation(_ seed: UInt64) throws {
        let shape = Self.shapes[Int(seed) % Self.shapes.count]
        var conversation = Conversation(seed: seed, shape.1)
        do {
            for _ in 0..<2_000 {
                try conversation.step()
                if !conversation.failures.isEmpty { break }
            }
            try conversation.settle()
        } catch { Issue.record("seed \(seed), \(shape.0): \(error)") }
        #expect(conversation.failures.isEmpty, "seed \(seed), \(shape.0)")
        let sent = conversation.sides[0].session.diagnostics.dataBytesSent
        #expect(sent > 0 && conversation.sides[1].session.diagnostics.dataBytesReceived <= sent)
    }

    @Test("unread data never exceeds the budget, whatever a peer sends", arguments: UInt64(1)...4)
    func budget(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let budget = 400_000
        var server = try HandPeer(.server) {
            $0.streamWindowBytes = 70_000
            $0.streamWindowBytesMax = 200_000
            $0.connectionWindowBytes = 150_000
            $0.connectionBufferBytesMax = budget
            $0.concurrentStreamsMax = 20
        }
        var window = 150_000
        var held: [UInt32: Int] = [:]
        var next: UInt32 = 1
        for _ in 0..<2_000 {
            if next < 40 { try server.feed(server.headers(next)); next += 2 }
            let stream = UInt32.random(in: 0..<(next / 2), using: &random) * 2 + 1
            let bytes = Int.random(in: 0...min(window, 9_000), using: &random)
            let end = Int.random(in: 0..<200, using: &random) == 0
            for event in try server.feed(.data(stream, Array(repeating: 0, count: bytes), end: end)) {
                if case .data(let id, _, let credit, _) = event { held[id.value, default: 0] += credit }
            }
            window -= bytes
            if Int.random(in: 0..<3, using: &random) == 0, let (id, bytes) = held.randomElement(using: &random) {
                server.session.credit(HTTP2StreamID(id), bytes: bytes, output: &server.output)
                held[id] = nil
            }
            for frame in server.written() where frame.type == WireFrame.windowUpdate && frame.stream == 0 {
                window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
            }
            #expect(server.session.unconsumedBytes == held.values.reduce(0, +))
            #expect(server.session.unconsumedBytes + window <= budget)
        }
    }
}
