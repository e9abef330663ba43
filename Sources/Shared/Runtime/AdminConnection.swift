import NIOCore
import NIOHTTP1

/// Asks a connection to close as soon as no request is in progress.
struct AdminDrain: Sendable {}

/// The deadline of what a connection waits for now; bound to the connection's loop, shared by its two handlers.
final class AdminDeadline {
    private enum Waiting { case idle, header, body, response }

    private let limits: AdminLimits
    private var waiting = Waiting.response
    private var scheduled: Scheduled<Void>?

    init(limits: AdminLimits) { self.limits = limits }

    /// A connection was accepted: its first request must come like a header.
    func accepted(_ channel: any Channel) { wait(.header, limits.headerTimeout, channel) }

    func bytesCame(_ channel: any Channel) {
        if waiting == .idle { wait(.header, limits.headerTimeout, channel) }
    }

    func headerCame(_ channel: any Channel) { wait(.body, limits.bodyTimeout, channel) }

    func requestCame() { stop(.response) }

    func responseWritten(_ channel: any Channel) { wait(.idle, limits.idleTimeout, channel) }

    func closed() { stop(.response) }

    private func stop(_ next: Waiting) {
        scheduled?.cancel()
        scheduled = nil
        waiting = next
    }

    private func wait(_ next: Waiting, _ timeout: TimeAmount, _ channel: any Channel) {
        stop(next)
        scheduled = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
}

/// Below the HTTP decoder: notes that a request begins.
final class AdminByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let deadline: AdminDeadline

    init(deadline: AdminDeadline) { self.deadline = deadline }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadline.bytesCame(context.channel)
        context.fireChannelRead(data)
    }
}

/// One HTTP connection: collects a request, asks the router, writes the answer. NIO's pipeline handler below gives us
/// one request at a time.
final class AdminConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case reading(HTTPRequestHead, body: [UInt8])
        /// The rest of a request that is refused already is thrown away.
        case discarding
        case answering(Task<Void, Never>)
    }

    private let router: AdminRouter
    private let limits: AdminLimits
    private let deadline: AdminDeadline
    private var state = State.idle
    private var isDraining = false

    init(router: AdminRouter, limits: AdminLimits, deadline: AdminDeadline) {
        self.router = router
        self.limits = limits
        self.deadline = deadline
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline.accepted(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline.closed()
        if case .answering(let task) = state { task.cancel() }
        state = .discarding
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle):
            deadline.headerCame(context.channel)
            state = .reading(head, body: [])
        case (.body(let part), .reading(let head, var body)):
            guard body.count + part.readableBytes <= limits.bodyBytesMax else {
                let text = "expected a body of at most \(limits.bodyBytesMax) bytes\n"
                return refuse(head, .text(text, status: 413), context)
            }
            state = .idle
            body.append(contentsOf: part.readableBytesView)
            state = .reading(head, body: body)
        case (.end, .reading(let head, let body)):
            deadline.requestCame()
            answer(head, body, context)
        case (.head, _), (.body, _), (.end, _):
            return
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is AdminDrain else { return context.fireUserInboundEventTriggered(event) }
        isDraining = true
        if case .idle = state { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ context: ChannelHandlerContext) {
        guard let request = AdminRequest(head, body: body) else {
            let text = "expected method GET, HEAD, POST, PUT or DELETE, found \(head.method.rawValue)\n"
            return refuse(head, .text(text, status: 405), context)
        }
        let router = router
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        state = .answering(
            Task {
                let response = await router.respond(to: request)
                loop.execute {
                    let (connection, context) = bound.value
                    connection.finish(head, response, context)
                }
            })
    }

    private func finish(_ head: HTTPRequestHead, _ response: AdminResponse, _ context: ChannelHandlerContext) {
        guard case .answering = state else { return }
        state = .idle
        let keeps = head.isKeepAlive && !isDraining
        write(response, to: head, keepsAlive: keeps, context)
        if keeps { deadline.responseWritten(context.channel) }
    }

    /// Answers before the request was read in full; the connection can't be used afterwards.
    private func refuse(_ head: HTTPRequestHead, _ response: AdminResponse, _ context: ChannelHandlerContext) {
        state = .discarding
        write(response, to: head, keepsAlive: false, context)
    }

    private func write(
        _ response: AdminResponse, to head: HTTPRequestHead, keepsAlive: Bool, _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders([
            ("content-type", response.contentType), ("content-length", String(response.body.count)),
        ])
        for header in response.headers { headers.add(name: header.name, value: header.value) }
        if !keepsAlive {
            headers.add(name: "connection", value: "close")
        } else if head.version == .http1_0 {
            headers.add(name: "connection", value: "keep-alive")
        }
        let answer = HTTPResponseHead(
            version: head.version, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        if head.method != .HEAD, !response.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        if !keepsAlive {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}

extension AdminRequest {
    /// `nil` for a method we do not know.
    fileprivate init?(_ head: HTTPRequestHead, body: [UInt8]) {
        guard let method = Method(rawValue: head.method.rawValue) else { return nil }
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let headers = Dictionary(
            head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.init(
            method: method, path: String(parts.first ?? "/"), query: parts.count > 1 ? String(parts[1]) : "",
            headers: headers, body: body)
    }
}
