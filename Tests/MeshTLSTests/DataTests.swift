import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import SeededTesting
import Testing

@Suite("TLS data")
struct DataTests {
    let cart: WorkloadCertificate
    let till: WorkloadCertificate

    init() throws {
        let authority = try TestAuthority()
        cart = try authority.workload(.cart)
        till = try authority.workload(.till)
    }

    @Test("64 MiB each way arrive unchanged over a wire that cuts anywhere")
    func bulkBothWays() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        var random = SeededGenerator(seed: 7)
        let out = pattern(bytes: 64 << 20, using: &random)
        let back = pattern(bytes: 64 << 20, using: &random)
        pair.server.recorder.reserve(out.readableBytes)
        pair.client.recorder.reserve(back.readableBytes)
        var outRest = out
        var backRest = back
        while outRest.readableBytes + backRest.readableBytes > 0 {
            pair.client.write(cut(&outRest, using: &random))
            pair.server.write(cut(&backRest, using: &random))
            try pair.pump(pieceBytes: { Int.random(in: 1...600_000, using: &random) })
        }
        #expect(pair.server.recorder.received == out)
        #expect(pair.client.recorder.received == back)
        #expect(pair.client.recorder.errors == [])
        #expect(pair.server.recorder.errors == [])
        pair.finish()
    }

    @Test("many small writes share few records and one write to the wire")
    func smallWritesCoalesce() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.client.write((0..<1_000).map { _ in ByteBuffer(repeating: 0x61, count: 50) })
        guard let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) else {
            Issue.record("nothing was sent")
            return
        }
        #expect(try pair.client.channel.readOutbound(as: ByteBuffer.self) == nil)
        // 50,000 bytes are four records of at most 16 KiB.
        #expect(records(in: wire) == [16_384 + 17, 16_384 + 17, 16_384 + 17, 848 + 17])
        try pair.server.channel.writeInbound(wire)
        #expect(pair.server.recorder.received == ByteBuffer(repeating: 0x61, count: 50_000))
        #expect(pair.server.recorder.reads == 1)
        pair.finish()
    }

    @Test("small and big buffers mixed keep their order and fill their records")
    func mixedSizes() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        var random = SeededGenerator(seed: 3)
        let parts = [9, 16_384, 9, 100_000, 0, 1, 40_000, 9, 16_383].map { pattern(bytes: $0, using: &random) }
        pair.client.write(parts)
        var expected = ByteBuffer()
        for var part in parts { expected.writeBuffer(&part) }
        guard let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) else {
            Issue.record("nothing was sent")
            return
        }
        #expect(records(in: wire).count == (expected.readableBytes + 16_383) / 16_384)
        try pair.server.channel.writeInbound(wire)
        #expect(pair.server.recorder.received == expected)
        pair.finish()
    }

    @Test("a write promise completes with the write of its cipher text, every one of a batch")
    func promises() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        let channel = pair.client.channel
        let early = channel.eventLoop.makePromise(of: Void.self)
        channel.pipeline.write(ByteBuffer(string: "a"), promise: early)
        channel.pipeline.flush()
        let isDone = NIOLoopBoundBox(0, eventLoop: channel.eventLoop)
        early.futureResult.whenSuccess { isDone.value += 1 }
        #expect(isDone.value == 0)
        try pair.start()
        #expect(isDone.value == 1)
        for _ in 0..<3 {
            let promise = channel.eventLoop.makePromise(of: Void.self)
            promise.futureResult.whenSuccess { isDone.value += 1 }
            channel.pipeline.write(ByteBuffer(string: "b"), promise: promise)
        }
        #expect(isDone.value == 1)
        channel.pipeline.flush()
        #expect(isDone.value == 4)
        pair.finish()
    }

    @Test("a write caused by the completion of another is sent once and in order")
    func writeInsideWrite() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        let channel = pair.client.channel
        for round in 0..<3 {
            let promise = channel.eventLoop.makePromise(of: Void.self)
            promise.futureResult.whenSuccess {
                channel.pipeline.write(ByteBuffer(string: "second \(round);"), promise: nil)
                channel.pipeline.flush()
            }
            channel.pipeline.write(ByteBuffer(string: "first \(round);"), promise: promise)
            channel.pipeline.flush()
        }
        try pair.pump()
        let expected = (0..<3).map { "first \($0);second \($0);" }.joined()
        #expect(pair.server.recorder.received == ByteBuffer(string: expected))
        #expect(pair.server.recorder.errors == [])
        pair.finish()
    }

    @Test("keys change after their share of records, unnoticed above")
    func keyUpdate() throws {
        let pair = try EmbeddedPair(
            client: TLSHandler(
                context: cart.clientContext, role: .client, expecting: .anyOf([.till]),
                handshakeTimeout: .seconds(10), recordsPerKeyMax: 3),
            server: TLSHandler(
                context: till.serverContext, role: .server, expecting: .trustDomains(["cluster.local"]),
                handshakeTimeout: .seconds(10), recordsPerKeyMax: 5))
        try pair.start()
        for index in 0..<40 {
            pair.client.write([ByteBuffer(string: "request \(index);")])
            try pair.pump()
            pair.server.write([ByteBuffer(string: "answer \(index);")])
            try pair.pump()
        }
        let requests = (0..<40).map { "request \($0);" }.joined()
        #expect(pair.server.recorder.received == ByteBuffer(string: requests))
        #expect(pair.client.recorder.errors == [])
        pair.finish()
    }

    @Test("closing says close_notify, and the peer closes without an error")
    func closeNotify() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.client.channel.close(promise: nil)
        guard let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) else {
            Issue.record("no close_notify")
            return
        }
        #expect(records(in: wire) == [2 + 17])
        try pair.server.channel.writeInbound(wire)
        #expect(!pair.server.channel.isActive)
        #expect(pair.server.recorder.isInactive)
        #expect(pair.server.recorder.errors == [])
        pair.finish()
    }

    @Test("a record changed on the wire ends the connection with an alert")
    func tampering() throws {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.client.write([ByteBuffer(string: "pay 1")])
        guard var wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) else {
            Issue.record("nothing was sent")
            return
        }
        wire.setInteger((wire.getInteger(at: 7, as: UInt8.self) ?? 0) ^ 1, at: 7)
        try pair.server.channel.writeInbound(wire)
        #expect(pair.server.recorder.received.readableBytes == 0)
        #expect(pair.server.recorder.errors.count == 1)
        try pair.pump()
        guard case .alertReceived(let alert) = pair.client.recorder.errors.first else {
            Issue.record("found \(pair.client.recorder.errors)")
            return
        }
        #expect(alert.code == 20)
        pair.finish()
    }

    @Test("writes after the end fail, they do not hang")
    func writeAfterClose() throws {
        let pair = try EmbeddedPair(client: cart, server: till, clientExpects: .anyOf([]))
        let channel = pair.client.channel
        let waiting = channel.eventLoop.makePromise(of: Void.self)
        channel.pipeline.write(ByteBuffer(string: "a"), promise: waiting)
        let failures = NIOLoopBoundBox(0, eventLoop: channel.eventLoop)
        waiting.futureResult.whenFailure { _ in failures.value += 1 }
        try pair.start()
        #expect(failures.value == 1)
        pair.finish()
    }

    /// The length field of every record.
    private func records(in wire: ByteBuffer) -> [Int] {
        var wire = wire
        var lengths: [Int] = []
        while wire.readSlice(length: 3) != nil, let length = wire.readInteger(as: UInt16.self),
            wire.readSlice(length: Int(length)) != nil
        {
            lengths.append(Int(length))
        }
        #expect(wire.readableBytes == 0)
        return lengths
    }

    /// Some buffers from the front of `rest`: sometimes many small ones, sometimes a big one.
    private func cut(_ rest: inout ByteBuffer, using random: inout SeededGenerator) -> [ByteBuffer] {
        let small = Bool.random(using: &random)
        let count = small ? Int.random(in: 0...200, using: &random) : Int.random(in: 0...3, using: &random)
        return (0..<count).compactMap { _ in
            let bytes = Int.random(in: 0...(small ? 2_000 : 700_000), using: &random)
            return rest.readSlice(length: min(rest.readableBytes, bytes))
        }
    }
}

/// Bytes that repeat only after a prime number of them.
func pattern(bytes: Int, using random: inout SeededGenerator) -> ByteBuffer {
    let period = ByteBuffer(bytes: (0..<65_537).map { _ in UInt8.random(in: 0...255, using: &random) })
    var buffer = ByteBufferAllocator().buffer(capacity: bytes)
    while buffer.readableBytes < bytes {
        buffer.writeImmutableBuffer(period.getSlice(at: 0, length: min(65_537, bytes - buffer.readableBytes)) ?? period)
    }
    return buffer
}
