internal import HBONE
internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointHTTP2
internal import WaypointRoute

/// One exchange on an HTTP/2 connection to an endpoint, which may carry others at the same time.
final class UpstreamStream: MessageStreamUser {
    private let connection: EndpointConnection
    /// Its connection has carried other exchanges.
    let isReused: Bool
    /// `nil` when nobody wants to hear more.
    var user: EndpointUser?
    private var stream: EndpointStream?
    private var isToHead = false

    init(_ connection: EndpointConnection) {
        self.connection = connection
        isReused = connection.isUsed
        connection.isUsed = true
    }

    var hop: EndpointHop { connection.hop }

    func take(_ user: EndpointUser) { self.user = user }

    // MARK: - What comes

    func receive(_ head: HTTP2ResponseHead, endStream: Bool) {
        let (head, framing) = ResponseHead.received(head, isHeadOnly: endStream, isToHead: isToHead)
        user?.answered(head, framing: framing)
    }

    func receive(_ bytes: ByteBuffer) { user?.receive(bytes) }

    func receiveEnd(_ trailers: HeaderLines?) {
        user?.ended(trailers.map { HeaderRules.trailers(HeaderList($0)) })
    }

    func paused() { user?.paused() }

    func takesBytesAgain() {
        if takesBytes { user?.takesBytes() }
    }

    func failed(_ failure: MessageStreamFailure) {
        let user = user
        self.user = nil
        connection.streamEnded()
        switch failure {
        case .refused: user?.failed(.refused)
        case .reset(let code): user?.failed(.reset("\(code)"))
        case .violated(let error): user?.failed(.malformed("\(error)"))
        case .connectionClosed(let end): user?.failed(.lost("\(end)"))
        }
    }

    // MARK: - For the exchange

    var takesBytes: Bool { stream?.takesBytes ?? false }

    func write(_ head: RequestHead, framing: BodyFraming) {
        isToHead = head.method == .known(.head)
        let request = HTTP2RequestHead(head, framing: framing)
        let isHeadOnly = framing == .none || framing == .length(0)
        do throws(HTTP2OpenRefusal) {
            stream = try connection.open(request, endStream: isHeadOnly, user: self)
        } catch {
            // Whoever writes is not ready to hear of it yet.
            connection.loop.assumeIsolated().execute { self.failed(.refused) }
        }
    }

    func write(_ body: ByteBuffer) { stream?.write(body) }

    func end(_ trailers: HeaderList?) { stream?.writeEnd(trailers?.http2Lines) }

    func flush() { stream?.flush() }

    func read() { stream?.read() }

    /// The exchange is over; what of the request was not taken is not wanted.
    func release() { leave(.noError) }

    func abort() { leave(.cancel) }

    private func leave(_ code: HTTP2ErrorCode) {
        user = nil
        stream?.abort(code)
        stream = nil
        connection.streamEnded()
    }
}
