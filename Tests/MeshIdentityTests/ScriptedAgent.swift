import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshIdentity
import MeshModel
import MeshTesting
import MeshTLS
import MeshWire
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization

/// An agent of SPIFFE's Workload API on a Unix socket that says what a test says.
final class ScriptedAgent: SpiffeWorkloadAPI.ServiceProtocol {
    private struct State {
        var streams: [AsyncThrowingStream<X509SVIDResponse, any Error>.Continuation] = []
        var last: Result<X509SVIDResponse, RPCError>?
        var metadata: [Metadata] = []
    }

    private let state = Mutex(State())

    var calls: [Metadata] { state.withLock { $0.metadata } }

    /// What callers hear from now on, those that are there at once.
    func say(_ message: X509SVIDResponse) { say(.success(message)) }

    /// Ends every stream so, and the ones to come.
    func refuse(_ code: RPCError.Code, _ message: String) { say(.failure(RPCError(code: code, message: message))) }

    private func say(_ what: Result<X509SVIDResponse, RPCError>) {
        let streams = state.withLock { state in
            state.last = what
            return state.streams
        }
        for stream in streams { Self.tell(stream, what) }
    }

    private static func tell(
        _ stream: AsyncThrowingStream<X509SVIDResponse, any Error>.Continuation,
        _ what: Result<X509SVIDResponse, RPCError>
    ) {
        switch what {
        case .success(let message): stream.yield(message)
        case .failure(let error): stream.finish(throwing: error)
        }
    }

    func fetchX509SVID(
        request: ServerRequest<X509SVIDRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<X509SVIDResponse> {
        let (messages, stream) = AsyncThrowingStream.makeStream(of: X509SVIDResponse.self, throwing: (any Error).self)
        let last = state.withLock { state in
            state.metadata.append(request.metadata)
            state.streams.append(stream)
            return state.last
        }
        if let last { Self.tell(stream, last) }
        return StreamingServerResponse { writer in
            for try await message in messages { try await writer.write(message) }
            return [:]
        }
    }
}

/// The agent, a manager that gets its certificates from it, and what both need.
struct AgentRig: Sendable {
    let agent = ScriptedAgent()
    let authority: TestAuthority
    let manager: CertificateManager
    let folder: TemporaryDirectory
    private let source: WorkloadAPISource
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let ahead: Ahead

    /// How far the wall clock of a test is ahead of the real one, in milliseconds.
    final class Ahead: Sendable {
        let milliseconds = Mutex<Int64>(0)
    }

    private init() throws {
        authority = try TestAuthority()
        folder = try TemporaryDirectory()
        let ahead = Ahead()
        self.ahead = ahead
        let clock: @Sendable () -> Int64 = { UnixClock.milliseconds() + ahead.milliseconds.withLock { $0 } }
        source = WorkloadAPISource(
            .unix(path: "\(folder.path)/agent.sock"), group: group, log: quietLog, wallClock: clock)
        var settings = CertificateManager.Settings()
        settings.wallClock = clock
        manager = CertificateManager(source: source, settings: settings, log: quietLog)
    }

    /// Runs the manager while the body runs; the agent is away until ``serve(_:)``.
    static func with(_ body: (AgentRig) async throws -> Void) async throws {
        let rig = try AgentRig()
        let run = Task { await rig.manager.run(with: rig.source) }
        do {
            try await body(rig)
        } catch {
            run.cancel()
            await run.value
            throw error
        }
        run.cancel()
        await run.value
        try await rig.group.shutdownGracefully()
    }

    /// The agent listens while the body runs.
    func serve(_ body: () async throws -> Void) async throws {
        let path = "\(folder.path)/agent.sock"
        try? FileManager.default.removeItem(atPath: path)
        let server = GRPCServer(
            transport: .http2NIOPosix(address: .unixDomainSocket(path: path), transportSecurity: .plaintext),
            services: [agent])
        let serving = Task { try await server.serve() }
        do {
            try await body()
        } catch {
            serving.cancel()
            throw error
        }
        serving.cancel()
        _ = try? await serving.value
    }

    func svid(_ identity: Identity) throws -> X509SVID {
        let made = try authority.svid(.init(identity))
        let bundle = try authority.bundle()
        return .with {
            $0.spiffeID = identity.description
            $0.x509Svid = Data(made.chain)
            $0.x509SvidKey = Data(made.key)
            $0.bundle = Data(bundle)
        }
    }

    func answer(_ svids: [X509SVID], federated: [String: [UInt8]] = [:]) -> X509SVIDResponse {
        .with {
            $0.svids = svids
            $0.federatedBundles = federated.mapValues { Data($0) }
        }
    }

    func hold(_ identity: Identity) async -> Updates {
        let updates = Updates()
        _ = await manager.hold(identity) { updates.add($0) }
        return updates
    }
}
