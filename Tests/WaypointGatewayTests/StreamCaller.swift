import HBONE
import MeshModel
import NIOCore
import Testing
import WaypointHTTP2
import WaypointRoute

@testable import WaypointGateway

/// What came back on one stream.
struct StreamAnswer: Sendable {
    var heads: [HTTP2ResponseHead] = []
    var isHeadOnly = false
    var body = ""
    var trailers: HeaderLines?
    var failure: String?

    var status: Int? { heads.last?.status }
    func field(_ name: String) -> String? { heads.last.flatMap { HeaderList($0.fields)[name] } }
    func trailer(_ name: String) -> String? { trailers.flatMap { HeaderList($0)[name] } }
}

/// A caller's side of one stream.
final class StreamCaller: MessageStreamUser {
    var stream: EndpointStream?
    private var answer = StreamAnswer()
    private let done: EventLoopPromise<StreamAnswer>

    init(_ done: EventLoopPromise<StreamAnswer>) { self.done = done }

    func receive(_ head: HTTP2ResponseHead, endStream: Bool) {
        answer.heads.append(head)
        answer.isHeadOnly = endStream
    }
    func receive(_ bytes: ByteBuffer) { answer.body += String(buffer: bytes) }
    func paused() { stream?.read() }
    func takesBytesAgain() {}
    func receiveEnd(_ trailers: HeaderLines?) {
        answer.trailers = trailers
        stream = nil
        done.succeed(answer)
    }
    func failed(_ failure: MessageStreamFailure) {
        answer.failure = "\(failure)"
        stream = nil
        done.succeed(answer)
    }
}

typealias CallerConnection = NIOLoopBound<MessageConnection>

extension GatewayRig {
    /// A call that speaks HTTP/2.
    func openHTTP2(
        _ authority: String = "10.1.0.1:80", on tunnel: NIOLoopBound<HBONEConnection>? = nil
    ) async throws -> CallerConnection {
        let tunnel = if let tunnel { tunnel } else { try await connect() }
        let eventLoop = eventLoop
        return try await eventLoop.flatSubmit {
            let promise = eventLoop.makePromise(of: CallerConnection.self)
            tunnel.value.open(ConnectRequest(authority: authority)) { result in
                promise.assumeIsolated().completeWith(
                    Result {
                        let connection = MessageConnection(role: .client)
                        _ = try result.get().0.makeChannel { try $0.pipeline.syncOperations.addHandler(connection) }
                        return NIOLoopBound(connection, eventLoop: eventLoop)
                    })
            }
            return promise.futureResult
        }.get()
    }

    /// One request on an open call, and its answer.
    /// - Parameter abortsWhen: the caller gives up once this holds.
    func call(
        _ connection: CallerConnection, _ path: String, method: String = "GET", fields: [(String, String)] = [],
        body: String? = nil, trailers: [(String, String)]? = nil, abortsWhen: (@Sendable () -> Bool)? = nil
    ) async throws -> StreamAnswer {
        let eventLoop = eventLoop
        let head = HTTP2RequestHead(method: method, authority: "api", path: path, fields: HeaderLines(fields))
        let done = eventLoop.makePromise(of: StreamAnswer.self)
        let caller = try await eventLoop.submit {
            let caller = StreamCaller(done)
            let stream = try connection.value.open(head, endStream: body == nil, user: caller)
            caller.stream = stream
            if let body {
                stream.write(ByteBuffer(string: body))
                stream.writeEnd(trailers.map { HeaderLines($0) })
            }
            stream.read()
            return NIOLoopBound(caller, eventLoop: eventLoop)
        }.get()
        if let abortsWhen {
            try await eventually("the time to give up") { abortsWhen() }
            try await eventLoop.submit {
                caller.value.stream?.abort(.cancel)
                caller.value.failed(.reset(.cancel))
            }.get()
        }
        return try await done.futureResult.get()
    }

    /// One call of gRPC.
    func callGRPC(
        _ connection: CallerConnection, _ path: String, _ fields: [(String, String)] = [], body: String = "message"
    ) async throws -> StreamAnswer {
        let own = [("content-type", "application/grpc"), ("te", "trailers")]
        return try await call(connection, path, method: "POST", fields: own + fields, body: body)
    }
}
