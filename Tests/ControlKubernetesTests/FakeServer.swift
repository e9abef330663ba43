import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on loopback whose answers a test writes.
final class FakeServer: Sendable {
    struct Request: Sendable {
        let path: String
        let authorization: String?
        var method = "GET"
        var contentType: String?
        var body = ""
        /// How many requests came for the same path without its query before, by kind: list or watch.
        var number = 0

        var isWatch: Bool { path.contains("watch=1") }
        var plainPath: String { String(path.prefix { $0 != "?" }) }
    }

    /// What is sent after the head; without `end` the connection is cut.
    enum Piece: Sendable {
        case text(String)
        case end
        /// Nothing more, for as long as the caller likes.
        case hold
        /// Until the test lets it go on.
        case until(@Sendable () -> Bool)
    }

    struct Reply: Sendable {
        var status = 200
        var fields = ""
        var pieces: [Piece]

        static func whole(_ text: String, status: Int = 200, fields: String = "") -> Reply {
            Reply(status: status, fields: fields, pieces: [.text(text), .end])
        }

        static func refused(_ status: Int, fields: String = "") -> Reply {
            whole("{\"kind\":\"Status\",\"code\":\(status),\"message\":\"no\"}", status: status, fields: fields)
        }
    }

    typealias Answer = @Sendable (Request) -> Reply

    let port: Int
    private let listener: any Channel
    private let box: Box

    fileprivate final class Box: Sendable {
        private let requests = Mutex<[Request]>([])
        private let connections = Mutex<[any Channel]>([])

        var all: [Request] { requests.withLock { $0 } }

        func add(_ draft: Request) -> Request {
            requests.withLock { requests in
                var request = draft
                request.number = requests.count { $0.plainPath == draft.plainPath && $0.isWatch == draft.isWatch }
                requests.append(request)
                return request
            }
        }

        func add(_ connection: any Channel) { connections.withLock { $0.append(connection) } }
        func closeAll() { for connection in connections.withLock({ $0 }) { connection.close(promise: nil) } }
    }

    init(_ answer: @escaping Answer) async throws {
        let box = Box()
        self.box = box
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    box.add(channel)
                    try channel.pipeline.syncOperations.addHandler(FakeConnection(box, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { box.all }

    func requests(_ plainPath: String, isWatch: Bool) -> [Request] {
        requests.filter { $0.plainPath == plainPath && $0.isWatch == isWatch }
    }

    func stop() async {
        try? await listener.close()
        box.closeAll()
    }
}

/// One connection: requests one after the other.
private final class FakeConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let box: FakeServer.Box
    private let answer: FakeServer.Answer
    private var text = ""

    init(_ box: FakeServer.Box, _ answer: @escaping FakeServer.Answer) {
        self.box = box
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        guard let end = text.range(of: "\r\n\r\n") else { return }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        func field(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
        }
        let length = field("content-length").flatMap { Int($0) } ?? 0
        let body = text[end.upperBound...]
        guard body.utf8.count >= length else { return }
        let words = lines[0].split(separator: " ").map(String.init)
        let request = box.add(
            FakeServer.Request(
                path: words[1], authorization: field("authorization"), method: words[0],
                contentType: field("content-type"), body: String(decoding: body.utf8.prefix(length), as: UTF8.self)))
        text = String(decoding: body.utf8.dropFirst(length), as: UTF8.self)
        let reply = answer(request)
        write("HTTP/1.1 \(reply.status) X\r\nTransfer-Encoding: chunked\r\n\(reply.fields)\r\n", context)
        send(reply.pieces[...], context)
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    /// What is left of a reply; when nothing is, the connection is cut.
    private func send(_ pieces: ArraySlice<FakeServer.Piece>, _ context: ChannelHandlerContext) {
        var rest = pieces
        while let piece = rest.popFirst() {
            switch piece {
            case .text(let text):
                guard !text.isEmpty else { continue }
                write("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n", context)
            case .end: return write("0\r\n\r\n", context)
            case .hold: return
            case .until(let condition):
                guard !condition() else { continue }
                let bound = NIOLoopBound((self, context, rest), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .milliseconds(5)) {
                    let (handler, context, rest) = bound.value
                    handler.send([.until(condition)] + rest, context)
                }
                return
            }
        }
        context.close(promise: nil)
    }
}
