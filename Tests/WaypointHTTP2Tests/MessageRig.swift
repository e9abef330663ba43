import HBONE
import MeshModel
import NIOCore
import NIOPosix
import Synchronization
import WaypointHTTP2

/// An endpoint that echoes and, before it, a proxy that passes every request on: a server's and a client's connection
/// of the room, over loopback sockets on one loop.
final class MessageRig: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    let limits: MessageLimits
    /// Connections that the endpoint, and the proxy, accepted.
    let endpoints: NIOLoopBoundBox<[MessageConnection]>
    let callers: NIOLoopBoundBox<[MessageConnection]>
    /// The last connection that was dialled.
    let upstream: NIOLoopBoundBox<MessageConnection?>
    let echoes: NIOLoopBoundBox<[Echo]>
    /// Requests that failed at the proxy, and where.
    private let failed = Mutex<[String]>([])
    var failures: [String] { failed.withLock { $0 } }

    func fail(_ text: String) { failed.withLock { $0.append(text) } }

    init(_ limits: MessageLimits? = nil) async throws {
        loop = group.next()
        self.limits = limits ?? MessageLimits(role: .server)
        let loop = loop
        endpoints = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        callers = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
        upstream = try await loop.submit { NIOLoopBoundBox(nil, eventLoop: loop) }.get()
        echoes = try await loop.submit { NIOLoopBoundBox([], eventLoop: loop) }.get()
    }

    deinit { group.shutdownGracefully { _ in } }

    func onLoop<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await loop.submit(body).get()
    }

    /// The endpoint; returns its port.
    func serveEcho() async throws -> Int {
        try await listen {
            let connection = MessageConnection(
                role: .server, limits: self.limits, onRequest: { self.echoes.value.append(Echo($0)) })
            self.endpoints.value.append(connection)
            return connection
        }
    }

    /// The proxy before an endpoint; returns its port.
    func serveProxy(to port: Int) async throws -> Int {
        _ = try await dial(port)
        let loop = loop
        let upstream = try await onLoop { NIOLoopBound(self.upstream.value, eventLoop: loop) }
        return try await listen {
            let connection = MessageConnection(
                role: .server, limits: self.limits,
                onRequest: { request in
                    guard let upstream = upstream.value else { return request.abort(.internalError) }
                    Passage(request, rig: self).start(upstream)
                })
            self.callers.value.append(connection)
            return connection
        }
    }

    /// A client's connection, which the proxy uses from now on.
    func dial(_ port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = MessageConnection(role: .client)
                    self.upstream.value = connection
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    private func listen(_ make: @escaping @Sendable () -> MessageConnection) async throws -> Int {
        let channel = try await ServerBootstrap(group: loop)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture { try child.pipeline.syncOperations.addHandler(make()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return channel.localAddress?.port ?? 0
    }
}

/// Echoes a request: its method as a field, its content, its trailers. By path: `/bytes/N` answers with N bytes,
/// `/hold` reads nothing, `/refuse` takes nothing, `/early` answers before the request is whole. gRPC: `/grpc/Echo`,
/// `/grpc/Count` answers with one empty message, `/grpc/Hold` with nothing, `/grpc/Fail` with a status.
final class Echo: MessageStreamUser {
    let stream: RequestStream
    private var left: Int?

    init(_ stream: RequestStream) {
        self.stream = stream
        stream.user = self
        begin()
    }

    private var path: String { String(decoding: stream.head.path, as: UTF8.self) }

    private func begin() {
        switch path {
        case "/hold", "/grpc/Hold": return
        case "/refuse": return stream.abort(.refusedStream)
        case "/early": return respond(endStream: true)
        case let path where path.hasPrefix("/bytes/"): left = Int(path.dropFirst(7))
        case "/grpc/Fail": return answerCall([("grpc-status", "5"), ("grpc-message", "no such")])
        case "/grpc/Count", "/grpc/Echo": answerCall(nil)
        default: break
        }
        if !isCall { respond(endStream: stream.head.method.elementsEqual("HEAD".utf8)) }
        if left != nil { produce() }
        stream.read()
    }

    private var isCall: Bool { path.hasPrefix("/grpc/") }

    /// With fields: an answer without messages.
    private func answerCall(_ fields: [(String, String)]?) {
        let head = HTTP2ResponseHead(
            status: 200, fields: HeaderLines([("content-type", "application/grpc")] + (fields ?? [])))
        try? stream.respond(head, endStream: fields != nil)
    }

    private func respond(endStream: Bool) {
        try? stream.respond(HTTP2ResponseHead(status: 103, fields: HeaderLines([("link", "early")])))
        var fields = HeaderLines()
        fields.append(name: Array("x-method".utf8)[...], value: stream.head.method)
        fields.append(name: Array("x-authority".utf8)[...], value: stream.head.authority)
        try? stream.respond(HTTP2ResponseHead(status: 200, fields: fields), endStream: endStream)
    }

    private func produce() {
        while let bytes = left, bytes > 0, stream.takesBytes {
            let count = min(bytes, 40_000)
            left = bytes - count
            stream.write(ByteBuffer(repeating: 0x61, count: count))
        }
        if left == 0 { stream.writeEnd() }
    }

    func receive(_ head: HTTP2ResponseHead, endStream: Bool) {}

    func receive(_ bytes: ByteBuffer) {
        if left == nil, path != "/grpc/Count" { stream.write(bytes) }
    }

    func receiveEnd(_ trailers: HeaderLines?) {
        guard left == nil else { return }
        guard isCall else { return stream.writeEnd(trailers) }
        if path == "/grpc/Count" { stream.write(ByteBuffer(repeating: 0, count: 5)) }
        stream.writeEnd(HeaderLines([("grpc-status", "0")]))
    }

    func paused() {
        if stream.takesBytes { stream.read() }
    }

    func takesBytesAgain() {
        if left != nil { produce() }
        stream.read()
    }

    func failed(_ failure: MessageStreamFailure) {}
}

/// One request at the proxy, joined to the endpoint as a gateway joins them.
final class Passage {
    private let caller: RequestStream
    private let rig: MessageRig
    private var endpoint: EndpointStream?

    init(_ caller: RequestStream, rig: MessageRig) {
        self.caller = caller
        self.rig = rig
    }

    func start(_ upstream: MessageConnection) {
        do {
            caller.user = Near(self)
            endpoint = try upstream.open(caller.head, endStream: caller.isHeadOnly, user: Far(self))
            endpoint?.read()
            caller.read()
        } catch {
            try? caller.respond(HTTP2ResponseHead(status: 503), endStream: true)
        }
    }

    final class Near: MessageStreamUser {
        let passage: Passage
        init(_ passage: Passage) { self.passage = passage }

        func receive(_ head: HTTP2ResponseHead, endStream: Bool) {}
        func receive(_ bytes: ByteBuffer) { passage.endpoint?.write(bytes) }
        func receiveEnd(_ trailers: HeaderLines?) { passage.endpoint?.writeEnd(trailers) }
        func paused() {
            if passage.endpoint?.takesBytes ?? false { passage.caller.read() }
        }
        func takesBytesAgain() { passage.endpoint?.read() }
        func failed(_ failure: MessageStreamFailure) {
            passage.rig.fail("caller: \(failure)")
            passage.endpoint?.abort(.cancel)
        }
    }

    final class Far: MessageStreamUser {
        let passage: Passage
        init(_ passage: Passage) { self.passage = passage }

        func receive(_ head: HTTP2ResponseHead, endStream: Bool) {
            try? passage.caller.respond(head, endStream: endStream)
        }
        func receive(_ bytes: ByteBuffer) { passage.caller.write(bytes) }
        func receiveEnd(_ trailers: HeaderLines?) {
            passage.caller.writeEnd(trailers)
            passage.endpoint?.abort(.noError)
        }
        func paused() {
            if passage.caller.takesBytes { passage.endpoint?.read() }
        }
        func takesBytesAgain() { passage.caller.read() }
        func failed(_ failure: MessageStreamFailure) {
            passage.rig.fail("endpoint: \(failure)")
            passage.caller.abort(.internalError)
        }
    }
}
