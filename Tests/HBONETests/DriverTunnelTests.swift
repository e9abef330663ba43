import HBONE
import NIOCore
import NIOPosix
import SeededTesting
import Synchronization
import Testing

@Suite("Tunnel: application, relay, two connections, relay, target")
struct DriverTunnelTests {
    @Test("64 MiB each way at once, in pieces of many sizes, come whole and in order; both ends report them")
    func bulkBothWays() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let echo = try await applications.echo()
        let server = try await rig.serve(.dial(echo))
        let listener = try await rig.capture(to: server)
        let total = 64 << 20
        try await applications.connect(listener) { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    var pattern = Pattern()
                    var random = SeededGenerator(seed: 7)
                    while pattern.offset < total {
                        let size = Int.random(in: 1...(Bool.random(using: &random) ? 700 : 900_000), using: &random)
                        try await outbound.write(pattern.next(min(size, total - pattern.offset)))
                    }
                    outbound.finish()
                }
                var pattern = Pattern()
                for try await bytes in inbound { #expect(pattern.check(bytes) == nil) }
                #expect(pattern.offset == total)
                try await tasks.waitForAll()
            }
        }
        try await expectEnds(rig, count: 1) { ends in
            let bytes = UInt64(total)
            #expect(ends == [RelayEnd(bytesFromChannel: bytes, bytesToChannel: bytes, reason: .completed)])
        }
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("request, end, response, end: the end of one direction leaves the other open")
    func requestEndResponse() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let target = try await applications.serve { inbound, outbound in
            var count = 0
            for try await bytes in inbound { count += bytes.readableBytes }
            for _ in 0..<count { try await outbound.write(ByteBuffer(string: "x")) }
            try await outbound.finish()
        }
        let server = try await rig.serve(.dial(target))
        let listener = try await rig.capture(to: server)
        let received = try await applications.connect(listener) { inbound, outbound in
            try await outbound.write(ByteBuffer(string: String(repeating: "a", count: 300)))
            outbound.finish()
            var count = 0
            for try await bytes in inbound { count += bytes.readableBytes }
            return count
        }
        #expect(received == 300)
        try await expectEnds(rig, count: 1) { ends in
            #expect(ends == [RelayEnd(bytesFromChannel: 300, bytesToChannel: 300, reason: .completed)])
        }
        try await applications.stop()
        try await rig.stop()
    }

    @Test("the target ends first and still reads: its end passes, the request's rest too")
    func targetEndsFirst() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let read = Mutex(0)
        let target = try await applications.serve { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "banner"))
            try await outbound.finish()
            for try await bytes in inbound { read.withLock { $0 += bytes.readableBytes } }
        }
        let server = try await rig.serve(.dial(target))
        let listener = try await rig.capture(to: server)
        try await applications.connect(listener) { inbound, outbound in
            var banner = ByteBuffer()
            for try await bytes in inbound { banner.writeImmutableBuffer(bytes) }
            #expect(String(buffer: banner) == "banner")
            for _ in 0..<10 { try await outbound.write(ByteBuffer(repeating: 1, count: 100_000)) }
            outbound.finish()
            try await eventually("the target read all") { read.withLock { $0 } == 1_000_000 }
        }
        try await expectEnds(rig, count: 1) { ends in
            #expect(ends == [RelayEnd(bytesFromChannel: 1_000_000, bytesToChannel: 6, reason: .completed)])
        }
        try await applications.stop()
        try await rig.stop()
    }

    @Test("a stream whose reader sleeps holds a bounded amount and does not stop another stream of the connection")
    func slowReaderIsBounded() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let gate = Gate()
        let stuck = Mutex(true)
        let target = try await applications.serve { inbound, outbound in
            if stuck.withLock({ was in defer { was = false }; return was }) { await gate.wait() }
            for try await bytes in inbound { try await outbound.write(bytes) }
            try await outbound.finish()
        }
        let server = try await rig.serve(.dial(target))
        let listener = try await rig.capture(to: server)
        let total = 40 << 20
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await applications.connect(listener) { inbound, outbound in
                    try await withThrowingTaskGroup(of: Void.self) { inner in
                        inner.addTask {
                            var pattern = Pattern()
                            while pattern.offset < total { try await outbound.write(pattern.next(1 << 20)) }
                            outbound.finish()
                        }
                        var pattern = Pattern()
                        for try await bytes in inbound { #expect(pattern.check(bytes) == nil) }
                        #expect(pattern.offset == total)
                        try await inner.waitForAll()
                    }
                }
            }
            var last = -1
            try await eventually("the stuck stream stands still") {
                try await Task.sleep(for: .milliseconds(100))
                let now = try await rig.onLoop { rig.applicationRelays.value.first?.bytesFromChannel ?? 0 }
                defer { last = now }
                return now == last && now > 0
            }
            #expect(last < total)
            // The stream's window, the channel's water mark, one read, one frame in flight.
            let queued = try await rig.onLoop { rig.targetRelays.value[0].queuedBytes }
            #expect(queued <= (4 << 20) + (512 << 10) + (1 << 20))
            for _ in 0..<20 { try await smallRequest(applications, listener) }
            await gate.open()
            try await tasks.waitForAll()
        }
        try await expectEnds(rig, count: 21) { ends in #expect(ends.allSatisfy { $0.reason == .completed }) }
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("small exchanges go on while a bulk stream fills the same connection")
    func bulkDoesNotStarveSmall() async throws {
        let rig = try await Rig()
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        let stops = Counter()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await applications.connect(listener) { inbound, outbound in
                    try await withThrowingTaskGroup(of: Void.self) { inner in
                        inner.addTask {
                            var pattern = Pattern()
                            while stops.withLock({ $0 }) == 0 { try await outbound.write(pattern.next(1 << 20)) }
                            outbound.finish()
                        }
                        var pattern = Pattern()
                        for try await bytes in inbound { #expect(pattern.check(bytes) == nil) }
                        try await inner.waitForAll()
                    }
                }
            }
            try await eventually("bulk runs") {
                try await rig.onLoop { (rig.applicationRelays.value.first?.bytesToChannel ?? 0) > 4 << 20 }
            }
            for _ in 0..<20 { try await smallRequest(applications, listener) }
            stops.withLock { $0 += 1 }
            try await tasks.waitForAll()
        }
        try await expectEnds(rig, count: 21) { ends in #expect(ends.allSatisfy { $0.reason == .completed }) }
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test(
        "many bulk streams over a narrow tunnel: windows, quanta and water marks take turns, all come whole",
        arguments: [1, 2, 3])
    func narrowTunnel(seed: UInt64) async throws {
        let rig = try await Rig(limits: { .narrow($0, streamWindowBytesMax: 65_535) })
        let applications = Applications()
        let listener = try await rig.capture(to: try await rig.serve(.dial(try await applications.echo())))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<12 {
                tasks.addTask {
                    try await applications.connect(listener) { inbound, outbound in
                        let total = 2_000_000
                        try await withThrowingTaskGroup(of: Void.self) { inner in
                            inner.addTask {
                                var random = SeededGenerator(seed: seed * 100 + UInt64(number))
                                var pattern = Pattern()
                                while pattern.offset < total {
                                    let size = Int.random(in: 1...90_000, using: &random)
                                    try await outbound.write(pattern.next(min(size, total - pattern.offset)))
                                }
                                outbound.finish()
                            }
                            var pattern = Pattern()
                            for try await bytes in inbound { #expect(pattern.check(bytes) == nil) }
                            #expect(pattern.offset == total)
                            try await inner.waitForAll()
                        }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        try await expectEnds(rig, count: 12) { ends in #expect(ends.allSatisfy { $0.reason == .completed }) }
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }

    @Test("500 connections at once, each a short exchange, all come whole; nothing is left behind")
    func manyShortConnections() async throws {
        let rig = try await Rig(limits: { role in
            var limits = HBONELimits(role: role)
            limits.http2.openedStreamsMax = 600
            limits.http2.concurrentStreamsMax = 600
            return limits
        })
        let applications = Applications()
        let server = try await rig.serve(.dial(try await applications.echo()))
        let listener = try await rig.capture(to: server)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<500 { tasks.addTask { try await smallRequest(applications, listener) } }
            try await tasks.waitForAll()
        }
        try await expectEnds(rig, count: 500) { ends in #expect(ends.allSatisfy { $0.reason == .completed }) }
        #expect(rig.openErrors.withLock { $0 }.isEmpty)
        try await noStreamsLeft(rig)
        try await applications.stop()
        try await rig.stop()
    }
}

/// One message there and back, then both ends.
func smallRequest(_ applications: Applications, _ listener: SocketAddress) async throws {
    try await applications.connect(listener) { inbound, outbound in
        try await outbound.write(ByteBuffer(string: "ping"))
        var answer = ByteBuffer()
        for try await bytes in inbound {
            answer.writeImmutableBuffer(bytes)
            if answer.readableBytes == 4 { outbound.finish() }
        }
        #expect(String(buffer: answer) == "ping")
    }
}

/// Waits for the reports of both sides, checks that both saw the same number, and none twice.
func expectEnds(_ rig: Rig, count: Int, _ check: ([RelayEnd]) -> Void) async throws {
    try await eventually("\(count) connections reported at both ends") {
        rig.applicationEnds.withLock { $0.count } >= count && rig.targetEnds.withLock { $0.count } >= count
    }
    #expect(rig.targetEnds.withLock { $0.count } == count)
    check(rig.applicationEnds.withLock { $0 })
}

func noStreamsLeft(_ rig: Rig) async throws {
    try await eventually("no stream and no byte left") {
        try await rig.onLoop {
            (rig.clients.value + rig.servers.value).allSatisfy { $0.openStreamCount == 0 && $0.bufferedBytes == 0 }
        }
    }
}
