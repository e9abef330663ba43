internal import MeshModel
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import WaypointToken

/// Why a key set could not be fetched.
enum KeyFetchError: Error, Hashable, Sendable, CustomStringConvertible {
    case address
    case connection(String)
    case status(UInt)
    case tooLarge
    case timeout
    /// The answer is no key set, or holds no key that can be used.
    case keys

    var description: String {
        switch self {
        case .address: "the URI is none that can be fetched"
        case .connection(let cause): cause
        case .status(let status): "expected status 200, found \(status)"
        case .tooLarge: "the key set has more than \(KeySet.bytesMax) bytes"
        case .timeout: "no whole answer in time"
        case .keys: "the answer has no key that can be used"
        }
    }
}

/// One fetch of a key set by GET; follows no redirects.
enum KeyFetch {
    static func keys(
        at uri: String, within limit: TimeAmount, on group: any EventLoopGroup
    ) async throws(KeyFetchError) -> KeySet {
        guard let address = KeyAddress(uri) else { throw .address }
        let text: ByteBuffer
        do {
            text = try await self.text(at: address, within: limit, on: group.next()).get()
        } catch let error as KeyFetchError {
            throw error
        } catch {
            throw .connection("\(error)")
        }
        guard let keys = try? KeySet(Array(text.readableBytesView)[...]) else { throw .keys }
        return keys
    }

    private static func text(
        at address: KeyAddress, within limit: TimeAmount, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ByteBuffer> {
        let promise = eventLoop.makePromise(of: ByteBuffer.self)
        let timer = eventLoop.scheduleTask(in: limit) { promise.fail(KeyFetchError.timeout) }
        let connecting = ClientBootstrap(group: eventLoop).connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if address.isSecure { try pipeline.addHandler(secured(address)) }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(KeyFetchHandler(address, promise))
                }
            }
            .connect(host: address.host, port: address.port)
        connecting.whenFailure { promise.fail(KeyFetchError.connection("\($0)")) }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }

    /// The server is verified by the roots of the system. A host that is an address is compared with the addresses of
    /// the certificate.
    private static func secured(_ address: KeyAddress) throws -> NIOSSLClientHandler {
        let context = try NIOSSLContext(configuration: .makeClientConfiguration())
        return try NIOSSLClientHandler(
            context: context, serverHostname: IPAddress(address.host) == nil ? address.host : nil)
    }
}

/// Asks, and collects the answer up to its bound.
private final class KeyFetchHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: KeyAddress
    private let promise: EventLoopPromise<ByteBuffer>
    private var text = ByteBuffer()

    init(_ address: KeyAddress, _ promise: EventLoopPromise<ByteBuffer>) {
        self.address = address
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        let headers: HTTPHeaders = [
            "host": address.authority, "accept": "application/json", "user-agent": "apus-waypoint",
            "connection": "close",
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if head.status != .ok { promise.fail(KeyFetchError.status(head.status.code)) }
        case .body(var bytes):
            guard text.readableBytes + bytes.readableBytes <= KeySet.bytesMax else {
                return promise.fail(KeyFetchError.tooLarge)
            }
            text.writeBuffer(&bytes)
        case .end: promise.succeed(text)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(KeyFetchError.connection("\(error)"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(KeyFetchError.connection("the server ended the connection"))
    }
}
