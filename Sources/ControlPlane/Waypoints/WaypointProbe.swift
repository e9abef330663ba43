import HBONE
import MeshModel
import MeshProxy
import MeshTLS
import NIOCore
package import NIOPosix

/// Asks a waypoint as a caller would: HBONE with mutual TLS, CONNECT to a service behind it, a request inside. What
/// answers there is the control plane itself, so an answer has gone through everything that a caller's request goes
/// through.
package struct WaypointProbe: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let identity: ProbeIdentity

    /// Of the whole exchange.
    private static let timeout = TimeAmount.seconds(3)

    package init(group: MultiThreadedEventLoopGroup, identity: ProbeIdentity) {
        self.group = group
        self.identity = identity
    }

    /// Returns when the waypoint at this address has answered in this identity; throws when it has not.
    func check(
        _ address: TransportAddress, as expected: Identity, host: String, port: UInt16
    ) async throws(ProbeFailure) {
        let certificate = try await identity.certificate()
        let target: SocketAddress
        do {
            target = try SocketAddress(address)
        } catch {
            throw ProbeFailure("\(address): \(error)")
        }
        let word = String(UInt64.random(in: .min ... .max), radix: 36)
        let request = "GET /\(word) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
        let eventLoop = group.next()
        let answer = eventLoop.makePromise(of: String.self)
        let connect = ConnectRequest(authority: "\(host):\(port)")
        ClientBootstrap(group: eventLoop).connectTimeout(Self.timeout).channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let exchange = ProbeExchange(connect, request, expecting: word, answer)
                    try exchange.begin(on: channel, with: certificate, expecting: expected)
                }
            }
            .connect(to: target)
            .whenComplete { result in
                switch result {
                case .failure(let error): answer.fail(ProbeFailure("\(address) cannot be reached: \(error)"))
                case .success(let channel):
                    let timer = eventLoop.scheduleTask(in: Self.timeout) {
                        answer.fail(ProbeFailure("no answer came within 3 s"))
                    }
                    answer.futureResult.whenComplete { _ in
                        timer.cancel()
                        channel.close(promise: nil)
                    }
                }
            }
        do {
            _ = try await answer.futureResult.get()
        } catch {
            throw error as? ProbeFailure ?? ProbeFailure("\(error)")
        }
    }
}

/// One exchange on its event loop.
private final class ProbeExchange {
    private let connect: ConnectRequest
    private let request: String
    private let word: String
    private let answer: EventLoopPromise<String>
    private var connection: HBONEConnection?

    init(_ connect: ConnectRequest, _ request: String, expecting word: String, _ answer: EventLoopPromise<String>) {
        self.connect = connect
        self.request = request
        self.word = word
        self.answer = answer
    }

    func begin(on channel: any Channel, with certificate: WorkloadCertificate, expecting expected: Identity) throws {
        let tls = TLSHandler(context: certificate.clientContext, role: .client, expecting: .anyOf([expected]))
        let gate = HandshakeGate { result in
            switch result {
            case .failure(let failure): self.answer.fail(ProbeFailure("\(failure)"))
            case .success: self.speak(on: channel)
            }
        }
        try channel.pipeline.syncOperations.addHandlers([tls, gate])
        try channel.syncOptions?.setOption(.autoRead, value: true)
    }

    private func speak(on channel: any Channel) {
        let answer = answer
        let connection = HBONEConnection(
            role: .client, onReady: { self.open() },
            onClosed: { reason in
                answer.fail(ProbeFailure("the tunnel closed: \(reason)"))
                self.connection = nil
            })
        self.connection = connection
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            answer.fail(error)
        }
    }

    private func open() {
        connection?.open(connect) { result in
            switch result {
            // Its policies refuse everybody, or us: it judges, so it works.
            case .failure(.status(401)): self.answer.succeed("refused by policy")
            case .failure(let error): self.answer.fail(ProbeFailure("\(error)"))
            case .success(let (stream, _)):
                do {
                    let reader = ProbeReader(expecting: self.word, self.answer)
                    let channel = try stream.makeChannel { channel in
                        try channel.pipeline.syncOperations.addHandler(reader)
                    }
                    channel.writeAndFlush(ByteBuffer(string: self.request), promise: nil)
                } catch {
                    self.answer.fail(error)
                }
            }
        }
    }
}

/// Reads the answer until it says the word, or refuses by policy, or ends.
private final class ProbeReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let word: String
    private let answer: EventLoopPromise<String>
    private var text = ""

    private static let textBytesMax = 16 * 1024

    init(expecting word: String, _ answer: EventLoopPromise<String>) {
        self.word = word
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        if text.contains(ProbeResponder.answer(to: word)) || text.hasPrefix("HTTP/1.1 403 ") {
            answer.succeed(text)
        } else if text.utf8.count > Self.textBytesMax {
            fail()
        }
    }

    func channelInactive(context: ChannelHandlerContext) { fail() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail() }

    private func fail() {
        let line = text.prefix { $0 != "\r\n" && $0 != "\n" }
        answer.fail(ProbeFailure(text.isEmpty ? "the request was cut" : "it answered \(line)"))
    }
}
