@testable import HBONE
import NIOCore
import Testing

@Suite("Times and sizes of the driver, without channels")
struct DriverTimeTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("SETTINGS, then a ping after 10 s, the next 10 s after its answer, the end 20 s after an unanswered one")
    func keepAlive() {
        let limits = HBONELimits(role: .client)
        var keepAlive = KeepAlive()
        keepAlive.started(now: start, limits: limits)
        #expect(keepAlive.nextLook == start + .seconds(10))
        keepAlive.peerIsReady(now: start + .seconds(1), limits: limits)
        #expect(keepAlive.due(now: start + .seconds(10), limits: limits) == .nothing)
        #expect(keepAlive.nextLook == start + .seconds(11))
        #expect(keepAlive.due(now: start + .seconds(11), limits: limits) == .sendPing(1))
        keepAlive.acknowledged(1, now: start + .seconds(13), limits: limits)
        #expect(keepAlive.due(now: keepAlive.nextLook, limits: limits) == .nothing)
        #expect(keepAlive.nextLook == start + .seconds(23))
        #expect(keepAlive.due(now: start + .seconds(23), limits: limits) == .sendPing(2))
        // Not the answer to this one.
        keepAlive.acknowledged(1, now: start + .seconds(24), limits: limits)
        #expect(keepAlive.due(now: keepAlive.nextLook, limits: limits) == .nothing)
        #expect(keepAlive.nextLook == start + .seconds(43))
        #expect(keepAlive.due(now: start + .seconds(43), limits: limits) == .peerSilent)
    }

    @Test("a peer without SETTINGS is given up")
    func settings() {
        let limits = HBONELimits(role: .server)
        var keepAlive = KeepAlive()
        keepAlive.started(now: start, limits: limits)
        #expect(keepAlive.due(now: start + limits.settingsTimeout, limits: limits) == .settingsMissing)
    }

    @Test("receive buffers grow with full reads up to the limit and shrink back when little comes")
    func receiveBuffers() {
        var buffers = RelayReceiveBuffers(RelayLimits())
        func size() -> Int { buffers.buffer(allocator: ByteBufferAllocator()).capacity }
        #expect(size() == 2 << 10)
        for expected in [8 << 10, 32 << 10, 128 << 10, 512 << 10, 512 << 10] {
            _ = buffers.record(actualReadBytes: size())
            #expect(size() == expected)
        }
        for _ in 0..<3 { _ = buffers.record(actualReadBytes: 100) }
        #expect(size() == 512 << 10)
        for _ in 0..<20 { _ = buffers.record(actualReadBytes: 100) }
        #expect(size() == 2 << 10)
    }
}
