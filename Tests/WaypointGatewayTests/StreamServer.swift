import HBONE
import MeshDiscovery
import MeshModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import WaypointHTTP2
import WaypointRoute

@testable import WaypointGateway

/// An endpoint that speaks HTTP/2. It answers with what it got, by path: `/fail` with a status of gRPC in its head
/// alone, `/refuse` refuses the first time, `/early` with an interim answer first, `/hold` never.
final class StreamServer: Sendable {
    struct Request: Sendable {
        let head: HTTP2RequestHead
        let body: String
        let trailers: HeaderLines?
        /// Number of its connection, from 1.
        let connection: Int

        func field(_ name: String) -> String? { HeaderList(head.fields)[name] }
    }

    final class Seen: Sendable {
        let state = Mutex<(requests: [Request], connections: Int, begun: Int, failures: [String])>(([], 0, 0, []))
    }

    private let seen: Seen
    private let channel: any Channel
    let port: UInt16

    init(host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil) async throws {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                let number = seen.state.withLock {
                    $0.connections += 1
                    return $0.connections
                }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    let connection = MessageConnection(role: .server, onRequest: { Answerer($0, number, seen).begin() })
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: host, port: port).get()
        (self.seen, self.channel) = (seen, channel)
        self.port = try #require(channel.localAddress?.port.flatMap { UInt16(exactly: $0) })
    }

    var requests: [Request] { seen.state.withLock { $0.requests } }
    var connectionCount: Int { seen.state.withLock { $0.connections } }
    /// Heads that came.
    var begun: Int { seen.state.withLock { $0.begun } }
    /// How streams ended before their answers.
    var failures: [String] { seen.state.withLock { $0.failures } }

    func stop() { channel.close(promise: nil) }

    private final class Answerer: MessageStreamUser {
        private let stream: RequestStream
        private let connection: Int
        private let seen: Seen
        private var body = ""

        init(_ stream: RequestStream, _ connection: Int, _ seen: Seen) {
            (self.stream, self.connection, self.seen) = (stream, connection, seen)
        }

        private var path: String { String(decoding: stream.head.path, as: UTF8.self) }

        func begin() {
            stream.user = self
            let number = seen.state.withLock {
                $0.begun += 1
                return $0.begun
            }
            if path == "/refuse", number == 1 { return stream.abort(.refusedStream) }
            if path == "/early" {
                try? stream.respond(HTTP2ResponseHead(status: 103, fields: HeaderLines([("link", "early")])))
            }
            stream.read()
        }

        func receive(_ head: HTTP2ResponseHead, endStream: Bool) {}
        func receive(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        func paused() { stream.read() }
        func takesBytesAgain() {}
        func failed(_ failure: MessageStreamFailure) {
            seen.state.withLock { $0.failures.append("\(failure)") }
        }

        func receiveEnd(_ trailers: HeaderLines?) {
            let request = Request(head: stream.head, body: body, trailers: trailers, connection: connection)
            seen.state.withLock { $0.requests.append(request) }
            switch path {
            case "/hold": return
            case "/fail":
                let fields = HeaderLines([("grpc-status", "5"), ("grpc-message", "no such")])
                try? stream.respond(HTTP2ResponseHead(status: 200, fields: fields), endStream: true)
            default:
                let isHead = stream.head.method.elementsEqual("HEAD".utf8)
                let length = HeaderLines([("content-length", isHead ? "7" : "\(body.utf8.count)")])
                try? stream.respond(HTTP2ResponseHead(status: 200, fields: length), endStream: isHead)
                stream.write(ByteBuffer(string: body))
                stream.writeEnd(HeaderLines([("grpc-status", "0")] + (trailers.map { HeaderList($0).pairs } ?? [])))
            }
        }
    }
}
