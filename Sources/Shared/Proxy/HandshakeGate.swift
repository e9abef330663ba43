package import MeshModel
package import MeshTLS
package import NIOCore

/// What a TLS handler fires when its handshake has finished.
package protocol FinishedHandshake {
    associatedtype Peer: Sendable
    var peer: Peer { get }
}

extension TLSHandshakeFinished: FinishedHandshake {}

extension OriginHandshakeFinished: FinishedHandshake {
    package var peer: VerifiedOrigin { origin }
}

/// A gate for a member of the mesh.
package typealias HandshakeGate = TLSGate<TLSHandshakeFinished>
/// A gate for a server outside of the mesh.
package typealias OriginGate = TLSGate<OriginHandshakeFinished>

/// Stands above the TLS handler until the handshake has ended, tells its outcome once and steps aside.
package final class TLSGate<Finished: FinishedHandshake>: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer

    private var completion: ((Result<Finished.Peer, ConnectionFailure>) -> Void)?

    /// - Parameter completion: called exactly once, on the loop.
    package init(_ completion: @escaping (Result<Finished.Peer, ConnectionFailure>) -> Void) {
        self.completion = completion
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let finished = event as? Finished else {
            return context.fireUserInboundEventTriggered(event)
        }
        // What stands above is added by the completion, so it is there before the first plain text comes.
        tell(.success(finished.peer))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError {
            tell(.failure(.tls(cause: error.cause)))
        } else {
            tell(.failure(.inputOutput(cause: String(describing: error))))
        }
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        tell(.failure(.tls(cause: "the peer closed the connection during the handshake")))
        context.fireChannelInactive()
    }

    /// A channel that was closed before we stood in it ends like this, and with no other word.
    package func handlerRemoved(context: ChannelHandlerContext) {
        tell(.failure(.tls(cause: "the connection closed before the handshake")))
    }

    /// It could not be put where it belongs. Without effect once the outcome was told.
    package func fail(_ failure: ConnectionFailure) { tell(.failure(failure)) }

    private func tell(_ result: Result<Finished.Peer, ConnectionFailure>) {
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }
}
