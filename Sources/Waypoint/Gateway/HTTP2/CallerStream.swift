internal import HBONE
internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointHTTP2
internal import WaypointRoute

/// One request on a caller's HTTP/2 connection.
final class CallerStream: MessageStreamUser {
    /// What has come and was not dealt with: at most what flow control lets come.
    private enum Arrival {
        case content(ByteBuffer)
        case end(HeaderLines?)
    }

    let call: Call
    private let stream: RequestStream
    private var exchange: Exchange?
    private var arrivals = CircularBuffer<Arrival>(initialCapacity: 2)
    private var isWorking = false
    private let isHead: Bool

    private init(_ stream: RequestStream, call: Call) {
        self.stream = stream
        self.call = call
        isHead = stream.head.method.elementsEqual("HEAD".utf8)
    }

    /// Serves the requests of a caller's connection on the channel of its call.
    static func serve(_ call: Call, on channel: any Channel) throws -> MessageConnection {
        let connection = MessageConnection(
            // Until the connection ends, which lets go of these.
            role: .server, onRequest: { stream in
                CallerStream(stream, call: call).begin()
            },
            onRefused: { refusal in
                let record = RequestLog(refused: call)
                record.reply(LocalReply(status: UInt16(refusal.status), flag: "DPE", details: "\(refusal)"))
                record.finish()
            })
        try channel.syncOptions?.setOption(.autoRead, value: true)
        try channel.pipeline.syncOperations.addHandler(connection)
        if call.loop.isDraining { connection.drain() }
        return connection
    }

    private func begin() {
        stream.user = self
        do throws(LocalReply) {
            let message = try RequestMessage(stream.head, isHeadOnly: stream.isHeadOnly)
            let exchange = Exchange(message, at: .http2(self))
            self.exchange = exchange
            exchange.start()
            if self.exchange != nil { stream.read() }
        } catch {
            refuse(error)
        }
    }

    /// No request could be made of what came.
    private func refuse(_ reply: LocalReply) {
        let record = RequestLog(refused: call)
        record.reply(reply)
        CallerSide.http2(self).send(reply, keepAlive: true)
        record.finish()
    }

    // MARK: - What comes

    /// Answers come from endpoints only.
    func receive(_ head: HTTP2ResponseHead, endStream: Bool) {}

    func receive(_ bytes: ByteBuffer) { arrivals.append(.content(bytes)) }

    func receiveEnd(_ trailers: HeaderLines?) { arrivals.append(.end(trailers)) }

    func paused() { work() }

    func takesBytesAgain() {
        if stream.takesBytes { exchange?.callerTakesBytes() }
    }

    func failed(_ failure: MessageStreamFailure) {
        let exchange = exchange
        self.exchange = nil
        arrivals.removeAll()
        exchange?.callerGone()
    }

    /// Passes on what has come, as far as the exchange lets it.
    private func work() {
        guard !isWorking else { return }
        isWorking = true
        while let exchange, exchange.wantsBody, let first = arrivals.popFirst() {
            switch first {
            case .content(let bytes): exchange.receiveBody(bytes)
            case .end(let trailers):
                exchange.receiveEnd(trailers.map { HeaderRules.trailers(HeaderList($0)) })
            }
        }
        isWorking = false
        exchange?.flushRequest()
        if arrivals.isEmpty, exchange?.wantsBody ?? false { stream.read() }
    }

    // MARK: - For the exchange

    var takesBytes: Bool { stream.takesBytes }

    func write(_ head: ResponseHead, framing: BodyFraming) {
        do throws(HTTP2SendRefusal) {
            try stream.respond(head.http2(framing: framing, isToHead: isHead), endStream: head.isHeadOnly)
        } catch {
            // The stream is over, or an answer came that HTTP/2 has no form for.
            stream.abort(.internalError)
            call.loop.eventLoop.assumeIsolated().execute { self.failed(.reset(.internalError)) }
        }
    }

    func write(_ body: ByteBuffer) {
        if !isHead { stream.write(body) }
    }

    func end(_ trailers: HeaderList?) { stream.writeEnd(trailers?.http2Lines) }

    func flush() { stream.flush() }

    func resume() { work() }

    func exchangeEnded() {
        exchange = nil
        arrivals.removeAll()
    }

    func abort() {
        exchangeEnded()
        stream.abort(.internalError)
    }
}
