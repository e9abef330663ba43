internal import MeshKernel
internal import MeshModel
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import WaypointToken

/// Why a key set could not be fetched.
enum KeyFetchError: Error, Hashable, Sendable, CustomStringConvertible {
    case address
    /// Every address of this host is one that no keys are fetched from.
    case refused(String)
    case connection(String)
    case status(UInt)
    case tooLarge
    case timeout
    /// The answer is no key set, or holds no key that can be used.
    case keys

    var description: String {
        switch self {
        case .address: "the URI is none that can be fetched"
        case .refused(let host): "no keys are fetched from the address of \(host); APUS_JWKS_ALLOWED_CIDRS allows more"
        case .connection(let cause): cause
        case .status(let status): "expected status 200, found \(status)"
        case .tooLarge: "the key set has more than \(KeySet.bytesMax) bytes"
        case .timeout: "no whole answer in time"
        case .keys: "the answer has no key that can be used"
        }
    }
}

/// One fetch of a key set by GET; follows no redirects. The addresses of the host are looked up once and judged before
/// a connection is made, and connections go to those very addresses: a name that means another address a moment later
/// gains nothing.
enum KeyFetch {
    /// What is the same for every fetch.
    struct Terms: Sendable {
        var rules: KeyServerRules
        /// A file of root certificates besides those of the system, in PEM.
        var rootsPath: String?
        /// The addresses of a host; may block.
        var lookup: @Sendable (_ host: String) throws -> [IPAddress] = { try HostLookup.addresses(of: $0) }
    }

    static func keys(
        at uri: String, within limit: TimeAmount, on group: any EventLoopGroup, _ terms: Terms
    ) async throws(KeyFetchError) -> KeySet {
        guard let address = KeyAddress(uri) else { throw .address }
        let text: ByteBuffer
        do {
            text = try await self.text(at: address, within: limit, on: group.next(), terms).get()
        } catch let error as KeyFetchError {
            throw error
        } catch {
            throw .connection("\(error)")
        }
        guard let keys = try? KeySet(Array(text.readableBytesView)[...]) else { throw .keys }
        return keys
    }

    private static func text(
        at address: KeyAddress, within limit: TimeAmount, on eventLoop: any EventLoop, _ terms: Terms
    ) -> EventLoopFuture<ByteBuffer> {
        let promise = eventLoop.makePromise(of: ByteBuffer.self)
        let timer = eventLoop.scheduleTask(in: limit) { promise.fail(KeyFetchError.timeout) }
        // The resolver blocks; threads of this kind are for that.
        let connecting = NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try places(of: address, terms)
        }.flatMap { places in
            let each = TimeAmount.nanoseconds(limit.nanoseconds / Int64(max(1, places.count)))
            return connect(to: places[...], within: each, on: eventLoop) { channel in
                let pipeline = channel.pipeline.syncOperations
                if address.isSecure { try pipeline.addHandler(secured(address, terms)) }
                try pipeline.addHTTPClientHandlers()
                try pipeline.addHandler(KeyFetchHandler(address, promise))
            }
        }
        connecting.whenFailure { error in
            promise.fail(error as? KeyFetchError ?? KeyFetchError.connection("\(error)"))
        }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }

    /// Where the host is, as far as keys may be fetched from there.
    private static func places(of address: KeyAddress, _ terms: Terms) throws -> [TransportAddress] {
        let found = try terms.lookup(address.host)
        let places = terms.rules.permitted(found, port: address.port) { (try? terms.lookup($0)) ?? [] }
        guard !places.isEmpty else { throw KeyFetchError.refused(address.host) }
        return places
    }

    /// The first of these that can be connected to, one after the other.
    private static func connect(
        to places: ArraySlice<TransportAddress>, within limit: TimeAmount, on eventLoop: any EventLoop,
        _ prepare: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard let place = places.first else { return eventLoop.makeFailedFuture(KeyFetchError.address) }
        let rest = places.dropFirst()
        let socket: SocketAddress
        do { socket = try SocketAddress(ipAddress: "\(place.ip)", port: Int(place.port)) } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let connecting = ClientBootstrap(group: eventLoop).connectTimeout(limit)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try prepare(channel) } }
            .connect(to: socket)
        guard !rest.isEmpty else { return connecting }
        return connecting.flatMapError { _ in connect(to: rest, within: limit, on: eventLoop, prepare) }
    }

    /// The server is verified by the roots of the system, and those that are named besides. A host that is an address
    /// is compared with the addresses of the certificate.
    private static func secured(_ address: KeyAddress, _ terms: Terms) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let path = terms.rootsPath { configuration.additionalTrustRoots = [.file(path)] }
        let context = try NIOSSLContext(configuration: configuration)
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
