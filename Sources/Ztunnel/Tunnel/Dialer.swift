internal import MeshKernel
internal import MeshModel
internal import NIOCore
internal import NIOPosix

/// Opens TCP connections from inside one pod's network namespace, on one event loop.
///
/// The namespace belongs to the socket, and NIO makes the socket within `connect(to:)` on the calling thread, so the
/// loop enters the namespace for just that call.
struct Dialer {
    let eventLoop: any EventLoop
    let namespace: NetworkNamespace
    let connectTimeout: TimeAmount

    /// The channel is active and reads nothing until asked.
    /// - Parameters:
    ///   - source: the address that the application shall see as its caller; `nil` for the pod's own.
    ///   - keepsHalfClosed: one direction may end before the other; not for TLS, whose end is both.
    func connect(
        to peer: TransportAddress, appearingAs source: IPAddress? = nil, keepsHalfClosed: Bool = true
    ) -> EventLoopFuture<any Channel> {
        do {
            let address = try SocketAddress(peer)
            var bootstrap = ClientBootstrap(group: eventLoop)
                .connectTimeout(connectTimeout)
                .channelOption(.autoRead, value: false)
                .channelOption(.allowRemoteHalfClosure, value: keepsHalfClosed)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketLevel(SocketOptionNumbers.mark), value: Int(TunnelMarks.packet))
            if let source {
                bootstrap = try Self.spoofing(bootstrap, source)
            }
            return try namespace.enter { bootstrap.connect(to: address) }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    private static func spoofing(_ bootstrap: ClientBootstrap, _ source: IPAddress) throws -> ClientBootstrap {
        let local = try SocketAddress(TransportAddress(source, port: 0))
        let level = source.family == .v4 ? SocketOptionNumbers.ipLevel : SocketOptionNumbers.ipv6Level
        let transparent =
            source.family == .v4 ? SocketOptionNumbers.ipTransparent : SocketOptionNumbers.ipv6Transparent
        return
            bootstrap
            .channelOption(.raw(level: level, name: transparent), value: 1)
            .channelOption(
                .raw(level: SocketOptionNumbers.ipLevel, name: SocketOptionNumbers.ipBindAddressNoPort), value: 1
            )
            .bind(to: local)
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    static func socketLevel(_ name: CInt) -> Self {
        .raw(level: SocketOptionNumbers.socketLevel, name: name)
    }

    static func raw(level: CInt, name: CInt) -> Self {
        ChannelOptions.Types.SocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: level), name: NIOBSDSocket.Option(rawValue: name)
        )
    }
}

extension SocketAddress {
    init(_ address: TransportAddress) throws {
        try self.init(packedIPAddress: ByteBuffer(bytes: address.ip.bytes), port: Int(address.port))
    }
}

extension TransportAddress {
    /// `nil` for a Unix socket or an unconnected channel.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress, let port = address?.port,
            // NIO writes a zone behind link-local addresses.
            let ip = IPAddress(text.prefix { $0 != "%" }), let port = UInt16(exactly: port)
        else { return nil }
        self.init(ip.canonical, port: port)
    }
}
