import HBONE
import MeshModel
import MeshWire
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization
import Testing
import WaypointHTTP2

@testable import WaypointGateway

/// An external authorizer, or a rate limit service, that speaks gRPC.
final class CheckServer: Sendable {
    typealias Question = Envoy_Service_Auth_V3_CheckRequest
    typealias Answer = Envoy_Service_Auth_V3_CheckResponse

    final class Seen: Sendable {
        let state = Mutex<(requests: [[UInt8]], heads: [HTTP2RequestHead], connections: Int, failures: Int)>(
            ([], [], 0, 0))
    }

    private let seen: Seen
    private let channel: any Channel
    private let children: Children
    let port: UInt16

    /// - Parameter answer: of a message; `nil`: never.
    convenience init(port: Int = 0, _ answer: @escaping @Sendable (Question) -> Answer?) async throws {
        try await self.init(port: port, bytes: { bytes in
            guard let question = try? Question(serializedBytes: bytes) else { return nil }
            return answer(question).flatMap { try? $0.serializedBytes() }
        })
    }

    init(port: Int = 0, bytes answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) async throws {
        let seen = Seen()
        let box = Children()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                seen.state.withLock { $0.connections += 1 }
                box.list.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    let connection = MessageConnection(role: .server, onRequest: { Answerer($0, seen, answer).begin() })
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        (self.seen, self.channel) = (seen, channel)
        children = box
        self.port = try #require(channel.localAddress?.port.flatMap { UInt16(exactly: $0) })
    }

    private final class Children: Sendable {
        let list = Mutex<[any Channel]>([])
    }

    var messages: [[UInt8]] { seen.state.withLock { $0.requests } }
    var questions: [Question] { messages.compactMap { try? Question(serializedBytes: $0) } }
    var heads: [HTTP2RequestHead] { seen.state.withLock { $0.heads } }
    var connectionCount: Int { seen.state.withLock { $0.connections } }
    /// Streams that were given up.
    var failures: Int { seen.state.withLock { $0.failures } }

    /// Ends it with all its connections.
    func stop() async throws {
        try? await channel.close()
        for child in children.list.withLock({ $0 }) { try? await child.close() }
    }

    private final class Answerer: MessageStreamUser {
        private let stream: RequestStream
        private let seen: Seen
        private let answer: @Sendable ([UInt8]) -> [UInt8]?
        private var body: [UInt8] = []

        init(_ stream: RequestStream, _ seen: Seen, _ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) {
            (self.stream, self.seen, self.answer) = (stream, seen, answer)
        }

        func begin() {
            stream.user = self
            stream.read()
        }

        func receive(_ head: HTTP2ResponseHead, endStream: Bool) {}
        func receive(_ bytes: ByteBuffer) { body += bytes.readableBytesView }
        func paused() { stream.read() }
        func takesBytesAgain() {}
        func failed(_ failure: MessageStreamFailure) { seen.state.withLock { $0.failures += 1 } }

        func receiveEnd(_ trailers: HeaderLines?) {
            let message = Array(body.dropFirst(5))
            seen.state.withLock {
                $0.requests.append(message)
                $0.heads.append(stream.head)
            }
            guard let answer = answer(message) else { return }
            let fields = HeaderLines([("content-type", "application/grpc")])
            try? stream.respond(HTTP2ResponseHead(status: 200, fields: fields))
            var bytes = ByteBuffer()
            bytes.writeInteger(UInt8(0))
            bytes.writeInteger(UInt32(answer.count))
            bytes.writeBytes(answer)
            stream.write(bytes)
            stream.writeEnd(HeaderLines([("grpc-status", "0")]))
        }
    }
}

extension CheckServer.Answer {
    static var allowed: Self { .with { $0.status.code = 0 } }

    static func denied(_ status: Int32 = 0, body: String = "", fields: [(String, String)] = []) -> Self {
        .with {
            $0.status.code = 7
            $0.deniedResponse = .with {
                if status > 0 { $0.status.code = status }
                $0.body = body
                $0.headers = fields.map { field in
                    .with {
                        $0.header.key = field.0
                        $0.header.value = field.1
                    }
                }
            }
        }
    }
}

extension Make {
    /// Asks service `other`.
    static func authorizer(
        _ transport: Authorizer.Transport = .grpc(sent: .all), _ change: (inout Authorizer) -> Void = { _ in }
    ) -> Authorizer {
        var authorizer = Authorizer(target: target("other"), transport: transport, timeoutNanoseconds: 10_000_000_000)
        change(&authorizer)
        return authorizer
    }

    /// A CUSTOM policy for paths that begin with `/asked`, of provider `guard`.
    static func asking(_ authorizer: Authorizer?) -> RequestPolicy {
        var policy = RequestPolicyTests.policy(.custom(provider: "guard"), .paths([.text(.prefix("/asked"))]))
        policy.authorizer = authorizer
        return policy
    }
}
