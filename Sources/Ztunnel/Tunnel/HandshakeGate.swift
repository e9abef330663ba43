internal import MeshModel
internal import MeshTLS
internal import NIOCore

/// Stands above the TLS handler until the handshake has ended, tells its outcome once and steps aside.
final class HandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var completion: ((Result<VerifiedPeer, ConnectionFailure>) -> Void)?

    init(_ completion: @escaping (Result<VerifiedPeer, ConnectionFailure>) -> Void) {
        self.completion = completion
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let finished = event as? TLSHandshakeFinished else {
            return context.fireUserInboundEventTriggered(event)
        }
        // What stands above is added by the completion, so it is there before the first plain text comes.
        tell(.success(finished.peer))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError {
            tell(.failure(.tls(cause: error.cause)))
        } else {
            tell(.failure(.inputOutput(cause: String(describing: error))))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        tell(.failure(.tls(cause: "the peer closed the connection during the handshake")))
        context.fireChannelInactive()
    }

    /// A channel that was closed before we stood in it ends like this, and with no other word.
    func handlerRemoved(context: ChannelHandlerContext) {
        tell(.failure(.tls(cause: "the connection closed before the handshake")))
    }

    private func tell(_ result: Result<VerifiedPeer, ConnectionFailure>) {
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }
}
