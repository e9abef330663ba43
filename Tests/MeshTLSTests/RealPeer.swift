import Foundation
import MeshModel
import MeshTLS
import NIOCore
import NIOPosix
import Synchronization

/// How a connection over a real socket went.
enum Outcome: Sendable, Equatable {
    case refused(TLSError)
    /// Verified, and these bytes came first.
    case spoke(VerifiedPeer, String)
    case closed
}

/// Completes a promise with the outcome of its connection, and answers the first bytes with `pong`.
final class OutcomeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private var promise: EventLoopPromise<Outcome>?
    private let says: String?
    private var peer: VerifiedPeer?

    init(_ promise: EventLoopPromise<Outcome>, says: String? = nil) {
        self.promise = promise
        self.says = says
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let finished = event as? TLSHandshakeFinished else { return }
        peer = finished.peer
        if let says { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: says)), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        if says == nil { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "pong")), promise: nil) }
        if let peer { finish(.spoke(peer, text)) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { finish(.refused(error)) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { finish(.closed) }

    private func finish(_ outcome: Outcome) {
        promise?.succeed(outcome)
        promise = nil
    }
}

/// One listening socket of ours that tells the outcome of its first connection.
struct RealServer {
    let channel: any Channel
    let outcome: EventLoopFuture<Outcome>
    var port: Int { channel.localAddress?.port ?? 0 }

    init(_ certificate: WorkloadCertificate, group: any EventLoopGroup) async throws {
        let promise = group.next().makePromise(of: Outcome.self)
        outcome = promise.futureResult
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        context: certificate.serverContext, role: .server,
                        expecting: .trustDomains(["cluster.local"]), handshakeTimeout: .seconds(10))
                    try channel.pipeline.syncOperations.addHandlers([tls, OutcomeHandler(promise)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }
}

enum RealClient {
    /// Connects, says `ping`, and tells what came of it.
    static func outcome(
        of certificate: WorkloadCertificate, expecting identity: Identity, port: Int, group: any EventLoopGroup
    ) async throws -> Outcome {
        let promise = group.next().makePromise(of: Outcome.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        context: certificate.clientContext, role: .client, expecting: .anyOf([identity]),
                        handshakeTimeout: .seconds(10))
                    try channel.pipeline.syncOperations.addHandlers([tls, OutcomeHandler(promise, says: "ping")])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let outcome = try await promise.futureResult.get()
        try? await channel.close()
        return outcome
    }
}

/// The `openssl` command as a peer. Everything it prints, whatever its exit status.
final class OpenSSLPeer: Sendable {
    private let process: Process
    private let output = Pipe()
    private let input = Pipe()

    init(_ arguments: [String], in folder: URL) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardOutput = output
        process.standardError = output
        process.standardInput = input
        try process.run()
    }

    /// Text up to the first occurrence of `marker`, or all there is.
    func text(until marker: String? = nil) -> String {
        var text = ""
        while true {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { return text }
            text += String(decoding: data, as: UTF8.self)
            if let marker, text.contains(marker) { return text }
        }
    }

    /// A peer that has gone already hears nothing.
    func say(_ text: String) { try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    /// Not SIGTERM: children inherit the test runner's signal mask, which may block it.
    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
