import Foundation
import MeshModel
import MeshTLS
import MeshTesting
import NIOCore
import NIOEmbedded
import Testing

@Suite("TLS memory")
struct LeakTests {
    @Test("2000 handshakes, good and refused, leave nothing behind")
    func handshakes() throws {
        let authority = try TestAuthority()
        let cart = try authority.workload(.cart)
        let till = try authority.workload(.till)
        try handshakes(100, client: cart, server: till)
        // Other tests run at the same time and move the figure; a leak grows in every batch, they do not.
        var growth: [Int] = []
        for _ in 0..<8 {
            let before = try residentBytes()
            try handshakes(250, client: cart, server: till)
            growth.append(try residentBytes() - before)
        }
        // One leaked session is more than 8 KiB, so a leak adds at least 2 MiB per batch.
        #expect((growth.min() ?? .max) < 1 << 20, "growth per batch: \(growth)")
    }

    private func handshakes(_ count: Int, client: WorkloadCertificate, server: WorkloadCertificate) throws {
        for index in 0..<count {
            let expectation: PeerExpectation = index % 4 == 0 ? .anyOf([.cart]) : .anyOf([.till])
            let pair = try EmbeddedPair(client: client, server: server, clientExpects: expectation)
            try pair.start()
            pair.client.write([ByteBuffer(string: "ping")])
            try pair.pump()
            pair.finish()
        }
    }

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4_096
    }
}

@Suite("allocator")
struct AllocatorTests {
    @Test("malloc takes our settings")
    func apply() { #expect(AllocatorTuning.apply()) }
}
