@testable import HBONE
import NIOCore
import SeededTesting
import Testing

/// A peer that sends whatever both windows allow, against one server session.
struct GreedyPeer {
    var server: HandPeer
    /// What the peer may still send, by stream, and on the whole connection.
    private(set) var windows: [UInt32: Int] = [:]
    private(set) var connectionWindow: Int
    /// Handed up and not credited.
    private(set) var held: [UInt32: Int] = [:]
    private(set) var receivedBytes: [UInt32: Int] = [:]
    private var nextStream: UInt32 = 1

    init(_ change: (inout HTTP2Limits) -> Void = { _ in }) throws {
        server = try HandPeer(.server, settings: [], change)
        connectionWindow = server.session.limits.connectionWindowBytes
    }

    var limits: HTTP2Limits { server.session.limits }
    var heldBytes: Int { held.values.reduce(0, +) }

    /// All that the peer could make the server hold if no consumer read any more.
    var grantedBytes: Int { windows.values.reduce(0, +) + heldBytes }

    mutating func open() throws -> UInt32 {
        let stream = nextStream
        nextStream += 2
        try server.feed(server.headers(stream))
        server.session.respond(HTTP2StreamID(stream), status: 200, output: &server.output)
        windows[stream] = limits.streamWindowBytes
        learn()
        return stream
    }

    /// Sends at most so many bytes as one frame; returns how many went.
    @discardableResult
    mutating func send(_ stream: UInt32, _ bytes: Int) throws -> Int {
        let count = min(bytes, windows[stream] ?? 0, connectionWindow, limits.receivedFrameBytesMax)
        guard count > 0 else { return 0 }
        windows[stream, default: 0] -= count
        connectionWindow -= count
        server.input.writeBytes(WireFrame.data(stream, []).bytes)
        server.input.setInteger(UInt8(count >> 16), at: server.input.writerIndex - 9)
        server.input.setInteger(UInt16(truncatingIfNeeded: count), at: server.input.writerIndex - 8)
        server.input.writeRepeatingByte(0, count: count)
        for event in try server.feed(bytes: []) {
            guard case .data(let id, let payload, let credit, _) = event else { continue }
            held[id.value, default: 0] += credit
            receivedBytes[id.value, default: 0] += payload.readableBytes
        }
        learn()
        return count
    }

    /// The consumer reads everything that waits.
    mutating func drain(_ stream: UInt32) {
        credit(stream, held[stream] ?? 0)
    }

    mutating func credit(_ stream: UInt32, _ bytes: Int) {
        let count = min(bytes, held[stream] ?? 0)
        guard count > 0 else { return }
        held[stream, default: 0] -= count
        server.session.credit(HTTP2StreamID(stream), bytes: count, output: &server.output)
        learn()
    }

    mutating func reset(_ stream: UInt32) throws {
        try server.feed(.reset(stream, 8))
        windows[stream] = nil
        server.session.discard(HTTP2StreamID(stream), output: &server.output)
        held[stream] = nil
        learn()
    }

    /// Sends, with a consumer that reads at once, until so many bytes went or nothing goes any more; returns how many.
    mutating func pass(_ stream: UInt32, _ bytes: Int) throws -> Int {
        var passed = 0
        while passed < bytes {
            let count = try send(stream, min(bytes - passed, 65_536))
            if count == 0 { break }
            passed += count
            drain(stream)
        }
        return passed
    }

    private mutating func learn() {
        for frame in server.written() where frame.type == WireFrame.windowUpdate {
            let bytes = frame.payload.reduce(0) { $0 << 8 | Int($1) }
            if frame.stream == 0 { connectionWindow += bytes } else { windows[frame.stream]? += bytes }
        }
    }
}

@Suite("Streams that are not read, and those beside them")
struct MachineFairnessTests {
    /// A tenth of everything, so that a test moves few bytes.
    private static let small: @Sendable (inout HTTP2Limits) -> Void = { limits in
        limits.streamWindowBytesMax = 512 << 10
        limits.streamBurstBytes = 64 << 10
        limits.connectionWindowBytes = 2 << 20
        limits.connectionBufferBytesMax = 8 << 20
        limits.concurrentStreamsMax = 80
    }

    private static let reference: @Sendable (inout HTTP2Limits) -> Void = { _ in }

    @Test("streams that stop being read, however much each was read before, leave the next one going", arguments: [
        (64, 0, false), (64, 1 << 20, true), (79, 2 << 20, true), (8, 8 << 20, false), (64, 5 << 20, false),
        (199, 100_000, false),
    ])
    func stalledStreams(count: Int, readBefore: Int, isSmall: Bool) throws {
        var peer = try GreedyPeer(isSmall ? Self.small : Self.reference)
        let stalled = try (0..<count).map { _ in try peer.open() }
        for stream in stalled { #expect(try peer.pass(stream, readBefore) == readBefore) }
        // Now nobody reads, and the peer sends all it may.
        for stream in stalled { while try peer.send(stream, 65_536) > 0 {} }
        #expect(peer.heldBytes >= count * peer.limits.streamWindowBytes)
        #expect(peer.server.session.unconsumedBytes == peer.heldBytes)
        #expect(peer.heldBytes + peer.connectionWindow <= peer.limits.connectionBufferBytesMax)
        let last = try peer.open()
        let bytes = peer.limits.connectionBufferBytesMax * 2
        #expect(try peer.pass(last, bytes) == bytes, "held: \(peer.heldBytes)")
    }

    @Test("a stream alone that is read gets the widest window and keeps it")
    func alone() throws {
        var peer = try GreedyPeer()
        let stream = try peer.open()
        let widest = peer.limits.streamWindowBytesMax
        #expect(try peer.pass(stream, 3 * widest) == 3 * widest)
        #expect((peer.windows[stream] ?? 0) > widest * 3 / 4 - 65_536)
        // It still does when others take what they get.
        for _ in 0..<40 {
            let other = try peer.open()
            _ = try peer.pass(other, 5 << 20)
            while try peer.send(other, 65_536) > 0 {}
        }
        #expect(try peer.pass(stream, 3 * widest) == 3 * widest)
        #expect((peer.windows[stream] ?? 0) > widest * 3 / 4 - 65_536, "a stream that is read does not shrink")
    }

    @Test("a stream whose reader is behind does not grow, and gives back when others are short")
    func behind() throws {
        var peer = try GreedyPeer(Self.small)
        let slow = try peer.open()
        _ = try peer.pass(slow, 300_000)
        let earned = peer.windows[slow] ?? 0
        for _ in 0..<40 {
            while try peer.send(slow, 65_536) > 0 {}
            peer.credit(slow, 40_000)
        }
        #expect((peer.windows[slow] ?? 0) + (peer.held[slow] ?? 0) <= earned + 65_536, "no wider than it was")
        for _ in 0..<60 {
            let other = try peer.open()
            _ = try peer.pass(other, 2 << 20)
        }
        for _ in 0..<60 {
            while try peer.send(slow, 65_536) > 0 {}
            peer.credit(slow, 40_000)
        }
        #expect((peer.windows[slow] ?? 0) + (peer.held[slow] ?? 0) < earned)
    }

    @Test("many bulk streams that are read share the buffer, the first ones with full windows")
    func shares() throws {
        var peer = try GreedyPeer()
        let streams = try (0..<12).map { _ in try peer.open() }
        for _ in 0..<200 { for stream in streams { _ = try peer.pass(stream, 65_536) } }
        let grants = streams.map { peer.windows[$0] ?? 0 }
        #expect(grants.reduce(0, +) > peer.limits.connectionWindowBytes * 3 / 4, "together a full pipe")
        #expect(grants.filter { $0 > 1 << 20 }.count >= 3 && grants.allSatisfy { $0 > 65_535 / 2 })
    }

    @Test(
        "whatever is read, stalled and reset, grants stay within the buffer and a new stream goes on",
        arguments: 1...12)
    func anyOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var peer = try GreedyPeer(Self.small)
        let limits = peer.limits
        let reserve = limits.connectionWindowBytes / (limits.windowUpdateShare * 2)
        var open: [UInt32] = []
        for _ in 0..<3_000 {
            let stream = open.randomElement(using: &random)
            switch (Int.random(in: 0..<20, using: &random), stream) {
            case (0, _) where open.count < 70: open.append(try peer.open())
            case (1, let stream?) where open.count > 40:
                try peer.reset(stream)
                open.removeAll { $0 == stream }
            case (2..<8, let stream?): try peer.send(stream, Int.random(in: 1...300_000, using: &random))
            case (8..<11, let stream?): peer.drain(stream)
            case (11, let stream?): peer.credit(stream, Int.random(in: 1...100_000, using: &random))
            case (_, let stream?): _ = try peer.pass(stream, Int.random(in: 1...400_000, using: &random))
            default: break
            }
            #expect(peer.grantedBytes <= limits.connectionBufferBytesMax - reserve, "seed \(seed)")
            #expect(peer.heldBytes + peer.connectionWindow <= limits.connectionBufferBytesMax, "seed \(seed)")
        }
        for stream in open { while try peer.send(stream, 65_536) > 0 {} }
        let last = try peer.open()
        #expect(try peer.pass(last, 10 << 20) == 10 << 20, "seed \(seed)")
        for stream in open { try peer.reset(stream) }
        try peer.reset(last)
        #expect(peer.server.session.windowBudget.usedBytes == 0, "seed \(seed)")
    }
}
