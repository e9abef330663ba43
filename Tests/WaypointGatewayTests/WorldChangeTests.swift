import Dispatch
import Logging
import MeshDiscovery
import MeshIdentity
import MeshModel
import MeshTelemetry
import NIOCore
import NIOPosix
import Testing

@testable import WaypointGateway

@Suite("A new world of a waypoint", .timeLimit(.minutes(1)))
struct WorldChangeTests {
    private struct NoAuthority: CertificateAuthorityClient {
        func sign(
            request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
        ) async throws(IdentityError) -> [String] {
            throw .unreachable(identity: identity, reason: "there is none")
        }
    }

    @Test("is learnt when each loop goes by it, and not while one is held up")
    func everyLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let gateway = try await Gateway(
            group: group, settings: Make.settings,
            certificates: CertificateManager(authority: NoAuthority(), log: Logger(label: "test")),
            accessLog: AccessLog(LogLines().output))
        let slots = await gateway.slots
        let held = DispatchSemaphore(value: 0)
        slots[1].eventLoop.execute { _ = held.wait(timeout: .now() + 20) }
        let next = Make.world([], [])
        let learning = Task {
            await gateway.learn(next)
            return ContinuousClock.now
        }
        try await eventually("the free loop") {
            try await slots[0].eventLoop.submit { slots[0].bound.value.world.revision }.get() == next.revision
        }
        // What does not wait for the other loop returns within this time.
        try await Task.sleep(for: .milliseconds(100))
        let released = ContinuousClock.now
        held.signal()
        #expect(await learning.value >= released)
        #expect(try await slots[1].eventLoop.submit { slots[1].bound.value.world.revision }.get() == next.revision)
        try await group.shutdownGracefully()
    }
}
