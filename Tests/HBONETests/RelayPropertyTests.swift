@testable import HBONE
import SeededTesting
import Testing

@Suite("Relays, alone and with a tunnel, moved by hand")
struct RelayPropertyTests {
    private static func narrowRelay() -> RelayLimits {
        var limits = RelayLimits()
        limits.channelHighWaterBytes = 30_000
        limits.channelLowWaterBytes = 8_000
        return limits
    }

    @Test("whoever stops and goes, and wherever bytes are cut, everything arrives both ways", arguments: 1...40)
    func everythingArrives(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let isNarrow = seed % 4 != 0
        let mesh = try RelaySimulation { isNarrow ? .narrow($0) : HBONELimits(role: $0) }
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            let limits = isNarrow ? Self.narrowRelay() : RelayLimits()
            let bytes = (Int.random(in: 0...600_000, using: &random), Int.random(in: 0...600_000, using: &random))
            if Int.random(in: 0..<4, using: &random) == 0 {
                try mesh.openPair(limits, sendBytes: bytes)
            } else {
                try mesh.open(limits, sendBytes: bytes)
            }
        }
        var stopped: Set<Int> = []
        let count = mesh.seats.count
        for _ in 0..<4_000 {
            let big = Bool.random(using: &random) ? 60_000 : 900
            let bytes = Int.random(in: 1...big, using: &random)
            let actor = Int.random(in: 0..<(count * 2 + 2), using: &random)
            if Int.random(in: 0..<60, using: &random) == 0, stopped.remove(actor) == nil { stopped.insert(actor) }
            guard !stopped.contains(actor) else { continue }
            switch actor {
            case 0..<count:
                // Now and then the application ends early: then all it sent is read, whoever can take it.
                let isLast = mesh.seats[actor].sendBytes - mesh.seats[actor].sending.offset < 40_000
                mesh.send(mesh.seats[actor], bytes, unasked: isLast && Bool.random(using: &random))
            case count..<(count * 2): mesh.read(mesh.seats[actor - count], bytes)
            default: mesh.pump(actor - count * 2, bytes)
            }
        }
        mesh.settle()
        #expect(mesh.failures.isEmpty, "seed \(seed)")
        for (index, seat) in mesh.seats.enumerated() {
            let other = mesh.seats[index ^ 1]
            #expect(seat.hasEnded && seat.sawEnd, "seed \(seed), seat \(index) has its ends")
            #expect(seat.reading.offset == other.sendBytes, "seed \(seed), seat \(index) read all")
        }
        #expect(mesh.ends.count == count && mesh.ends.allSatisfy { $0.reason == .completed }, "\(mesh.ends)")
        #expect(mesh.connections.allSatisfy { $0.openStreamCount == 0 && $0.bufferedBytes == 0 })
        mesh.finish()
    }

    @Test("64 applications that stop reading leave the 65th going, in both directions")
    func stalledReaders() throws {
        let mesh = try RelaySimulation { HBONELimits(role: $0) }
        let stalled = try (0..<64).map { _ in try mesh.open(RelayLimits(), sendBytes: (3 << 20, 3 << 20)) }
        let (near, far) = try mesh.open(RelayLimits(), sendBytes: (8 << 20, 8 << 20))
        var before = -1
        while before != mesh.movedBytes {
            before = mesh.movedBytes
            for (near, far) in stalled {
                mesh.send(near, 200_000)
                mesh.send(far, 200_000)
            }
            mesh.settleTunnel()
        }
        #expect(stalled.allSatisfy { !$0.0.hasEnded && !$0.1.hasEnded }, "all of them are stuck")
        mesh.settle([near, far])
        #expect(near.reading.offset == 8 << 20 && far.reading.offset == 8 << 20 && near.sawEnd && far.sawEnd)
        mesh.settle()
        #expect(mesh.seats.allSatisfy { $0.hasEnded && $0.sawEnd } && mesh.failures.isEmpty)
        mesh.finish()
    }

    /// A stream whose client has sent more than the tunnel takes, with the rest held in its relay.
    private func blocked(_ sendBytes: Int) throws -> (RelaySimulation, RelaySimulation.Seat, RelaySimulation.Seat) {
        let mesh = try RelaySimulation { .narrow($0) }
        let (near, far) = try mesh.open(Self.narrowRelay(), sendBytes: (sendBytes, 0))
        return (mesh, near, far)
    }

    @Test("the input ended with bytes held while the tunnel is blocked: all of them arrive, then the end")
    func endWhileBlocked() throws {
        let (mesh, near, far) = try blocked(500_000)
        while !near.hasEnded { mesh.send(near, 50_000, unasked: true) }
        #expect(near.relay.hasHeldBytes)
        mesh.settle()
        #expect(far.reading.offset == 500_000 && far.sawEnd && mesh.failures.isEmpty)
        #expect(mesh.ends.map(\.reason) == [.completed, .completed])
        mesh.finish()
    }

    @Test("the same after our own end: NIO closes the channel then, and what is held still arrives")
    func endAfterOurOwnEnd() throws {
        let (mesh, near, far) = try blocked(500_000)
        mesh.send(far, 1, unasked: true)
        mesh.settleTunnel()
        mesh.read(near, 1)
        #expect(near.socket.isOutputShut)
        while !near.hasEnded { mesh.send(near, 50_000, unasked: true) }
        #expect(!near.socket.isOpen && near.relay.hasHeldBytes)
        mesh.settle()
        #expect(far.reading.offset == 500_000 && far.sawEnd && mesh.failures.isEmpty)
        #expect(mesh.ends.map(\.reason) == [.completed, .completed])
        mesh.finish()
    }

    @Test("a channel lost without its peer's end is an error, for the other side too: bytes may be missing")
    func lossAfterOurOwnEnd() throws {
        let (mesh, near, far) = try blocked(500_000)
        mesh.send(far, 1, unasked: true)
        mesh.settleTunnel()
        mesh.read(near, 1)
        for _ in 0..<6 { mesh.send(near, 50_000, unasked: true) }
        #expect(near.relay.hasHeldBytes)
        near.socket.lose()
        mesh.settle()
        #expect(mesh.ends.map(\.reason) == [
            .error(.receive(.channel, .disconnected)), .error(.receive(.counterpart, .stream(.connectError))),
        ])
        #expect(!far.socket.isOpen)
        mesh.finish()
    }
}
