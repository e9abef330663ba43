package import MeshModel
package import MeshTLS
package import NIOCore

/// Stands above the TLS handler until the handshake has ended, tells its outcome once and steps aside.
package final class HandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer

    private var completion: ((Result<VerifiedPeer, ConnectionFailure>) -> Void)?

    /// - Parameter completion: called exactly once, on the loop.
    package init(_ completion: @escaping (Result<VerifiedPeer, ConnectionFailure>) -> Void) {
        self.completion = completion
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let finished = event as? TLSHandshakeFinished else {
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

    private func tell(_ result: Result<VerifiedPeer, ConnectionFailure>) {
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }
}
