import Foundation
package import MeshTelemetry
import MeshWire
package import NIOCore
import NIOHTTP1
import NIOPosix
import SwiftProtobuf

/// OTLP over HTTP/1.1 with protobuf: one connection for each batch, for batches are rare.
/// Source: OpenTelemetry Protocol Specification, OTLP/HTTP.
package struct HTTPCollector: SpanCollector {
    private let endpoint: CollectorEndpoint
    private let message: SpanMessage
    private let group: any EventLoopGroup

    /// - Parameters:
    ///   - resource: attributes of the resource; `service.name` is one.
    ///   - group: not one of the loops that carry requests.
    package init(_ endpoint: CollectorEndpoint, resource: [(String, String)], group: any EventLoopGroup) {
        self.endpoint = endpoint
        self.message = SpanMessage(resource: resource)
        self.group = group
    }

    /// Posts one batch.
    package func export(_ spans: [Span]) async throws(ExportError) {
        let body: Data
        do {
            body = try message.request(spans).serializedData()
        } catch {
            throw .refused(reason: "\(error)")
        }
        let answer: CollectorAnswer
        do {
            answer = try await post(body)
        } catch {
            throw .tryAgain(reason: "\(error)", after: nil)
        }
        switch answer.status {
        case 200..<300: return
        case 429, 502, 503, 504: throw .tryAgain(reason: "status \(answer.status)", after: answer.retryAfter)
        default: throw .refused(reason: "status \(answer.status)")
        }
    }

    private func post(_ body: Data) async throws -> CollectorAnswer {
        let promise = group.any().makePromise(of: CollectorAnswer.self)
        let components = endpoint.timeout.components
        let bound = TimeAmount.seconds(components.seconds) + .nanoseconds(components.attoseconds / 1_000_000_000)
        let head = head(length: body.count)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: group).connectTimeout(bound)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let operations = channel.pipeline.syncOperations
                        try operations.addHTTPClientHandlers()
                        try operations.addHandler(CollectorExchange(head, body, promise))
                    }
                }
                .connect(host: endpoint.host, port: Int(endpoint.port)).get()
        } catch {
            promise.fail(error)
            _ = try? await promise.futureResult.get()
            throw error
        }
        let timer = channel.eventLoop.scheduleTask(in: bound) { promise.fail(CollectorFailure.timedOut) }
        defer {
            timer.cancel()
            channel.close(promise: nil)
        }
        return try await promise.futureResult.get()
    }

    private func head(length: Int) -> HTTPRequestHead {
        let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
        var headers: HTTPHeaders = [
            "host": "\(host):\(endpoint.port)", "content-type": "application/x-protobuf",
            "content-length": "\(length)", "connection": "close", "user-agent": "apus-waypoint",
        ]
        for header in endpoint.headers { headers.add(name: header.name, value: header.value) }
        return HTTPRequestHead(version: .http1_1, method: .POST, uri: endpoint.path, headers: headers)
    }
}

private struct CollectorAnswer: Sendable {
    let status: Int
    let retryAfter: Duration?
}

private enum CollectorFailure: Error, CustomStringConvertible {
    case timedOut, disconnected

    var description: String { self == .timedOut ? "no answer in time" : "it closed the connection" }
}

/// Sends the one request and waits for the head of the answer; its body says nothing that we need.
private final class CollectorExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let body: Data
    private let promise: EventLoopPromise<CollectorAnswer>

    init(_ head: HTTPRequestHead, _ body: Data, _ promise: EventLoopPromise<CollectorAnswer>) {
        self.head = head
        self.body = body
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), head.status.code >= 200 else { return }
        let seconds = head.headers.first(name: "retry-after").flatMap { Int64($0) }
        promise.succeed(
            CollectorAnswer(status: Int(head.status.code), retryAfter: seconds.map { .seconds(max(0, $0)) }))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { promise.fail(error) }

    func channelInactive(context: ChannelHandlerContext) { promise.fail(CollectorFailure.disconnected) }
}
