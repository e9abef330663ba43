import Foundation
import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

/// Not a test of a promise: prints costs of a handler pair in memory. Run it optimised:
/// `APUS_BENCH=1 swift test -c release --filter TLSBenchmark`
@Suite("TLS benchmark", .serialized, .enabled(if: ProcessInfo.processInfo.environment["APUS_BENCH"] != nil))
struct TLSBenchmark {
    let cart: WorkloadCertificate
    let till: WorkloadCertificate

    init() throws {
        if ProcessInfo.processInfo.environment["APUS_BENCH"] == "tuned" { AllocatorTuning.apply() }
        let authority = try TestAuthority()
        cart = try authority.workload(.cart)
        till = try authority.workload(.till)
    }

    @Test("bytes per flush", arguments: [64, 1_024, 16_384, 262_144])
    func throughput(bytes: Int) throws {
        let pair = try quietPair()
        let payload = ByteBuffer(repeating: 0x61, count: bytes)
        let rounds = min(400_000, (1 << 30) / bytes)
        var best = Double.infinity
        for _ in 0..<3 {
            let start = cpuSeconds()
            for _ in 0..<rounds {
                pair.client.write([payload])
                while let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) {
                    try pair.server.channel.writeInbound(wire)
                }
            }
            best = min(best, cpuSeconds() - start)
        }
        report("\(bytes) B per flush", best, rounds: rounds, bytes: bytes)
    }

    @Test("header and payload in buffers of their own")
    func gathered() throws {
        let pair = try quietPair()
        let header = ByteBuffer(repeating: 0x62, count: 9)
        let payload = ByteBuffer(repeating: 0x61, count: 16_384)
        let batch = (0..<16).flatMap { _ in [header, payload] }
        let rounds = 4_096
        let start = cpuSeconds()
        for _ in 0..<rounds {
            pair.client.write(batch)
            while let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) {
                try pair.server.channel.writeInbound(wire)
            }
        }
        report("16 x (9 B + 16 KiB) per flush", cpuSeconds() - start, rounds: rounds, bytes: 16 * 16_393)
    }

    @Test("handshakes")
    func handshakes() throws {
        let start = cpuSeconds()
        for _ in 0..<500 {
            let pair = try EmbeddedPair(client: cart, server: till)
            try pair.start()
            pair.finish()
        }
        print("bench: handshake: \((cpuSeconds() - start) / 500 * 1e6) µs, both sides")
    }

    @Test("idle memory")
    func idle() throws {
        var pairs: [EmbeddedPair] = []
        for _ in 0..<100 { pairs.append(try busyOnce()) }
        let before = try residentKiB()
        for _ in 0..<1_000 { pairs.append(try busyOnce()) }
        let after = try residentKiB()
        print("bench: idle memory: \(Double(after - before) / 2_000) KiB per end, channel included")
        var plain: [EmbeddedChannel] = []
        for _ in 0..<2_000 { plain.append(EmbeddedChannel(loop: EmbeddedEventLoop())) }
        print("bench: of which embedded channel: \(Double(try residentKiB() - after) / 2_000) KiB")
        for pair in pairs { pair.finish() }
    }

    private func busyOnce() throws -> EmbeddedPair {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.client.write([ByteBuffer(repeating: 1, count: 300_000)])
        pair.server.write([ByteBuffer(repeating: 1, count: 300_000)])
        while let wire = try pair.client.channel.readOutbound(as: ByteBuffer.self) {
            try pair.server.channel.writeInbound(wire)
        }
        while let wire = try pair.server.channel.readOutbound(as: ByteBuffer.self) {
            try pair.client.channel.writeInbound(wire)
        }
        pair.client.recorder.forget()
        pair.server.recorder.forget()
        return pair
    }

    private func quietPair() throws -> EmbeddedPair {
        let pair = try EmbeddedPair(client: cart, server: till)
        try pair.start()
        pair.client.recorder.keepsBytes = false
        pair.server.recorder.keepsBytes = false
        return pair
    }

    private func report(_ name: String, _ seconds: Double, rounds: Int, bytes: Int) {
        let gib = Double(rounds) * Double(bytes) / Double(1 << 30)
        let perFlush = seconds / Double(rounds) * 1e6
        print("bench: \(name): \(seconds / gib) CPU s per GiB, \(perFlush) µs per flush, both sides")
    }

    private func cpuSeconds() -> Double {
        Double(clock()) / 1e6
    }

    private func residentKiB() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
    }
}
