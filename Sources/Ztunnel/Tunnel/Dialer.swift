internal import MeshKernel
internal import MeshModel
internal import MeshProxy
internal import NIOCore
internal import NIOPosix

/// Opens TCP connections from inside one pod's network namespace, on one event loop.
///
/// The namespace belongs to the socket, and NIO makes the socket within `connect(to:)` on the calling thread, so the
/// loop enters the namespace for just that call.
final class Dialer {
    /// What a connection is for.
    enum Purpose {
        /// HBONE to another node. Its end is the end of both directions.
        case tunnel
        /// Plain text to wherever the pod itself wanted to go.
        case passthrough
        /// To the pod's own application, which shall see this caller's address; `nil` for the pod's own.
        case application(appearingAs: IPAddress?)
        /// As a process of the pod would connect: the only one that the capture rules do not pass over.
        case selfTest
    }

    private let namespace: NetworkNamespace
    private let home: NetworkNamespace
    private let eventLoop: any EventLoop
    private let settings: TunnelSettings

    // Made once, when first needed: what a bootstrap is told costs several allocations.
    private lazy var tunnel = base(settings.tunnelCongestionControl)
    private lazy var passthrough = base(nil).channelOption(.allowRemoteHalfClosure, value: true)
    private lazy var application = base(settings.loopbackCongestionControl)
        .channelOption(.allowRemoteHalfClosure, value: true)
    private lazy var selfTest = ClientBootstrap(group: eventLoop).connectTimeout(settings.connectTimeout)
    private lazy var spoofingV4 = spoofing(SocketOptionNumbers.ipLevel, SocketOptionNumbers.ipTransparent)
    private lazy var spoofingV6 = spoofing(SocketOptionNumbers.ipv6Level, SocketOptionNumbers.ipv6Transparent)

    /// - Parameter home: the namespace in which the loop's thread is.
    init(eventLoop: any EventLoop, namespace: NetworkNamespace, home: NetworkNamespace, settings: TunnelSettings) {
        self.eventLoop = eventLoop
        self.namespace = namespace
        self.home = home
        self.settings = settings
    }

    private func base(_ congestionControl: String?) -> ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(settings.connectTimeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketLevel(SocketOptionNumbers.mark), value: Int(TunnelMarks.packet))
            .channelInitializer { channel in Self.tune(channel, congestionControl) }
    }

    private func spoofing(_ level: CInt, _ transparent: CInt) -> ClientBootstrap {
        base(settings.loopbackCongestionControl)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.raw(level: level, name: transparent), value: 1)
            .channelOption(
                .raw(level: SocketOptionNumbers.ipLevel, name: SocketOptionNumbers.ipBindAddressNoPort), value: 1)
    }

    /// The channel is active and reads nothing until asked.
    func connect(to peer: TransportAddress, for purpose: Purpose) -> EventLoopFuture<any Channel> {
        do {
            let bootstrap = try bootstrap(for: purpose)
            let address = try SocketAddress(peer)
            return try namespace.enter(from: home) { bootstrap.connect(to: address) }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
    }

    private func bootstrap(for purpose: Purpose) throws -> ClientBootstrap {
        switch purpose {
        case .tunnel: return tunnel
        case .passthrough: return passthrough
        case .selfTest: return selfTest
        case .application(appearingAs: nil): return application
        case .application(appearingAs: let source?):
            // The bootstrap reads its bind target within `connect`, so one serves every caller.
            return (source.family == .v4 ? spoofingV4 : spoofingV6)
                .bind(to: try SocketAddress(TransportAddress(source, port: 0)))
        }
    }

    /// Before the connection is made, so that its first packets follow it already.
    private static func tune(_ channel: any Channel, _ congestionControl: String?) -> EventLoopFuture<Void> {
        if let congestionControl {
            _ = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                PodSockets.setCongestionControl(congestionControl, of: $0)
            }
        }
        return channel.eventLoop.makeSucceededVoidFuture()
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
