import HBONE
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("Relay between two TCP channels")
struct DriverRelayTests {
    @Test("bytes go both ways, halves close one by one, both relays report the same connection")
    func passesBothWays() async throws {
        let rig = try await Rig()
        let applications = Applications()
        // Answers only after it saw the end of the request.
        let target = try await applications.serve { inbound, outbound in
            var count = 0
            for try await bytes in inbound { count += bytes.readableBytes }
            try await outbound.write(ByteBuffer(string: "got \(count)"))
            try await outbound.finish()
        }
        let listener = try await rig.pass(to: target)
        let answer = try await applications.connect(listener) { inbound, outbound in
            var pattern = Pattern()
            for _ in 0..<20 { try await outbound.write(pattern.next(100_000)) }
            outbound.finish()
            var answer = ByteBuffer()
            for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
            return String(buffer: answer)
        }
        #expect(answer == "got 2000000")
        try await eventually("both ends reported") {
            rig.applicationEnds.withLock { $0.count } == 1 && rig.targetEnds.withLock { $0.count } == 1
        }
        let expected = RelayEnd(bytesFromChannel: 2_000_000, bytesToChannel: 11, reason: .completed)
        #expect(rig.applicationEnds.withLock { $0 } == [expected])
        #expect(rig.targetEnds.withLock { $0 } == [
            RelayEnd(bytesFromChannel: 11, bytesToChannel: 2_000_000, reason: .completed)
        ])
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a target that does not read stops the relay's reads: what is held stays below its limits")
    func slowTargetStopsReads() async throws {
        var limits = RelayLimits()
        limits.channelHighWaterBytes = 64 << 10
        limits.channelLowWaterBytes = 16 << 10
        limits.receiveBufferBytesMaximum = 32 << 10
        let rig = try await Rig(relayLimits: limits)
        let applications = Applications()
        let gate = Gate()
        let target = try await applications.serve { inbound, outbound in
            await gate.wait()
            var pattern = Pattern()
            for try await bytes in inbound { if pattern.check(bytes) != nil { return } }
            try await outbound.write(ByteBuffer(integer: pattern.offset))
            try await outbound.finish()
        }
        let listener = try await rig.pass(to: target)
        let total = 64 << 20
        let received = try await applications.connect(listener) { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    var pattern = Pattern()
                    while pattern.offset < total { try await outbound.write(pattern.next(1 << 20)) }
                    outbound.finish()
                }
                // Nothing moves any more when two looks see the same count, far from the total.
                var last = -1
                try await eventually("the relay stands still") {
                    try await Task.sleep(for: .milliseconds(100))
                    let now = try await rig.onLoop { rig.applicationRelays.value.first?.bytesFromChannel ?? 0 }
                    defer { last = now }
                    return now == last && now > 0
                }
                let queued = try await rig.onLoop { rig.targetRelays.value[0].queuedBytes }
                #expect(queued <= (64 << 10) + (32 << 10))
                await gate.open()
                try await tasks.waitForAll()
                var answer = ByteBuffer()
                for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
                return answer.readInteger(as: Int.self)
            }
        }
        #expect(received == total)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a reset by the application is a reset for the target, and an error for both reports")
    func resetIsPassedOn() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let target = try await applications.echo()
        let listener = try await rig.pass(to: target)
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await channel.writeAndFlush(ByteBuffer(string: "hello"))
        try await eventually("joined") {
            try await rig.onLoop { rig.targetRelays.value.first?.bytesFromChannel == 5 }
        }
        try await resetNow(channel)
        try await eventually("both ends reported") {
            rig.applicationEnds.withLock { $0.count } == 1 && rig.targetEnds.withLock { $0.count } == 1
        }
        #expect(rig.applicationEnds.withLock { $0 }.first?.reason == .error(.receive(.channel, .reset)))
        #expect(rig.targetEnds.withLock { $0 }.first?.reason == .error(.receive(.counterpart, .reset)))
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a cut ends both relays once, with its reason")
    func cutEndsBoth() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let target = try await applications.echo()
        let listener = try await rig.pass(to: target)
        let channel = try await ClientBootstrap(group: applications.group).connect(to: listener).get()
        try await channel.writeAndFlush(ByteBuffer(string: "hello"))
        try await eventually("joined") {
            try await rig.onLoop { rig.targetRelays.value.first?.bytesFromChannel == 5 }
        }
        try await rig.onLoop {
            rig.applicationRelays.value[0].close(.cut(.policyChanged))
            rig.applicationRelays.value[0].close(.cut(.drained))
        }
        try await channel.closeFuture.get()
        try await expectEnds(rig, count: 1) { _ in }
        #expect(rig.applicationEnds.withLock { $0 }.map(\.reason) == [.cut(.policyChanged)])
        #expect(rig.targetEnds.withLock { $0 }.map(\.reason) == [.cut(.policyChanged)])
        try await applications.stop()
        try await rig.stop()
    }
}

/// Opens once.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
