import HBONE
import MeshModel
import MeshProxy
import MeshTLS
import MeshTesting
import NIOCore
import NIOPosix
import Testing

@testable import ZtunnelTunnel

/// Everything an application got before it was told the first so many bytes.
private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let wanted: Int
    private let promise: EventLoopPromise<[UInt8]>
    private var bytes: [UInt8] = []

    init(_ wanted: Int, _ promise: EventLoopPromise<[UInt8]>) {
        self.wanted = wanted
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        if bytes.count >= wanted { promise.succeed(bytes) }
    }
}

@Suite("A CONNECT for an application with a PROXY tunnel", .timeLimit(.minutes(1)))
struct ProxiedConnectTests {
    private static let caller = Identity(namespace: "ns", serviceAccount: "caller")

    /// A client that speaks TLS and HTTP/2 and asks for an address as soon as it can.
    private static func ask(
        _ authority: String, as own: WorkloadCertificate, of identity: Identity, on channel: any Channel,
        failure: EventLoopPromise<[UInt8]>
    ) throws {
        let tls = TLSHandler(context: own.clientContext, role: .client, expecting: .anyOf([identity]))
        let gate = HandshakeGate { result in
            if case .failure(let error) = result { return failure.fail(error) }
            var made: HBONEConnection?
            let connection = HBONEConnection(
                role: .client,
                onReady: {
                    made?.open(ConnectRequest(authority: authority)) { result in
                        if case .failure(let error) = result { failure.fail(error) }
                    }
                    made = nil
                })
            made = connection
            do {
                try channel.pipeline.syncOperations.addHandler(connection)
            } catch {
                failure.fail(error)
            }
        }
        try channel.pipeline.syncOperations.addHandlers([tls, gate])
    }

    @Test("the application is reached on the loopback and first of all told who called, and whom")
    func told() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let expected = ProxyHeader(
            source: try address("192.0.2.7:4660"), destination: try address("198.51.100.9:80"), identity: Self.caller
        ).bytes
        let received = eventLoop.makePromise(of: [UInt8].self)
        let application = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FirstBytes(expected.count, received))
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(application.localAddress?.port))

        let authority = try TestAuthority()
        let web = Identity(namespace: "ns", serviceAccount: "web")
        let (own, callers) = (try authority.workload(web), try authority.workload(Self.caller))
        let log = LogLines()
        let rig = try await eventLoop.submit {
            // Not an address of this machine: only the loopback can be reached.
            let workload = try pod("web", at: "203.0.113.1") {
                $0.applicationTunnel = ApplicationTunnel(form: .proxy, port: port)
            }
            let rig = try Rig(on: eventLoop, log: log, world: world(workload))
            rig.pod.learn(.success(own), of: web)
            return NIOLoopBound(rig, eventLoop: eventLoop)
        }.get()
        let door = try await ServerBootstrap(group: group).childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    InboundTunnel(
                        pod: rig.value.pod, channel: channel, client: try address("192.0.2.7:4660"),
                        local: try address("203.0.113.1:15008")
                    ).start()
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        let place = try #require(door.localAddress)
        let client = try await ClientBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try Self.ask("198.51.100.9:80", as: callers, of: web, on: channel, failure: received)
            }
        }.connect(to: place).get()

        #expect(try await received.futureResult.get() == expected)
        try await eventLoop.submit { rig.value.pod.close(.drained) }.get()
        for channel in [client, door, application] { try? await channel.close() }
        #expect(await log.finished().count == 1)
        try await group.shutdownGracefully()
    }
}
