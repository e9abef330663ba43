import HBONE
import MeshModel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import WaypointGateway

/// The rig and the servers of these tests themselves: whatever a test leaves behind, the process goes on.
@Suite("The rig", .timeLimit(.minutes(1)))
struct RigTests {
    @Test("a server may be stopped while connections come")
    func stopped() async throws {
        for _ in 0..<50 {
            let server = try await PlainServer { inbound, _ in for try await _ in inbound {} }
            let clients = (0..<8).map { _ in
                ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: Int(server.port))
            }
            _ = try await clients[0].get()
            server.stop()
            for client in clients { try? await client.get().close() }
        }
    }

    private func leaveCall(to port: UInt16) async throws {
        let rig = try await GatewayRig(Make.pair(api: [("127.0.0.1", port)], declared: .tcp))
        _ = try await rig.open("10.1.0.1:80")
    }

    @Test("a call may be opened and left, and the rig with it")
    func left() async throws {
        let ended = Flag()
        let server = try await PlainServer { inbound, outbound in
            for try await _ in inbound {}
            outbound.finish()
            ended.set()
        }
        try await leaveCall(to: server.port)
        try await eventually("the call is closed") { ended.isSet }
        server.stop()
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock(\.self) }
        func set() { value.withLock { $0 = true } }
    }
}
