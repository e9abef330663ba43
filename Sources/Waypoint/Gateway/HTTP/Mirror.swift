internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

/// A copy of a request on its way to another service. Nobody waits for it, and its answer is thrown away.
final class Mirror {
    private let head: RequestHead
    private let framing: BodyFraming
    private let body: KeptBody
    private let call: Call
    private var endpoint: EndpointSide?
    private var timer: Scheduled<Void>?
    /// What it has under way, where rules of traffic count it.
    private let lease: EndpointLease?
    private var isOver = false

    /// - Parameters:
    ///   - body: whole.
    ///   - isHTTP2: what the endpoint gets.
    static func start(
        _ head: RequestHead, framing: BodyFraming, body: KeptBody, to target: CallTarget, of call: Call, isHTTP2: Bool
    ) {
        guard call.loop.mirrors < call.loop.settings.mirrorsMax, !call.loop.isDraining else { return }
        let search = UpstreamSearch(for: call, to: target)
        let mirror = Mirror(head, framing, body, call, search.cluster.map { EndpointLease($0) })
        call.loop.mirrors += 1
        mirror.startTimer()
        search.request(mayReuse: true, isHTTP2: isHTTP2, pinned: nil, lease: mirror.lease) { result in
            switch result {
            case .success(let endpoint): mirror.send(to: endpoint)
            case .failure(let failure):
                if failure.mayTryAnotherEndpoint { mirror.lease?.outcome = .localFailure }
                mirror.over()
            }
        }
    }

    private init(
        _ head: RequestHead, _ framing: BodyFraming, _ body: KeptBody, _ call: Call, _ lease: EndpointLease?
    ) {
        self.lease = lease
        self.head = head
        self.framing = framing
        self.body = body
        self.call = call
    }

    private func startTimer() {
        timer = call.loop.eventLoop.assumeIsolated().scheduleTask(in: call.loop.settings.mirrorTimeout) {
            self.failed()
        }
    }

    private func send(to endpoint: EndpointSide) {
        guard !isOver else { return endpoint.abort() }
        self.endpoint = endpoint
        endpoint.use(.mirror(self))
        endpoint.write(head, framing: framing, upgrades: false)
        for piece in body.pieces { endpoint.write(piece) }
        endpoint.end(nil)
        endpoint.flush()
        endpoint.read()
    }

    func answered(_ head: ResponseHead) {
        guard !head.isInterim else { return }
        lease?.outcome = EndpointOutcome(.answered(status: head.status, grpcStatus: head.grpcStatus))
    }

    func answerPaused() { endpoint?.read() }

    func answerEnded() {
        endpoint?.release()
        over()
    }

    func failed() {
        if endpoint != nil { lease?.outcome = .localFailure }
        endpoint?.abort()
        over()
    }

    private func over() {
        guard !isOver else { return }
        isOver = true
        lease?.end()
        timer?.cancel()
        endpoint = nil
        call.loop.mirrors -= 1
    }
}

/// Bytes of a request's body that were sent, as long as they are few enough to be sent again.
struct KeptBody {
    private(set) var pieces: [ByteBuffer] = []
    private(set) var trailers: HeaderList?
    /// Nothing of what came is missing.
    private(set) var isWhole = true
    private(set) var byteCount = 0
    private let bytesMax: Int
    /// Nothing of it was sent yet, so all must stay, and whoever reads has to see to it that it is not too much.
    private(set) var isHeld = false

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ bytes: ByteBuffer) {
        guard isWhole else { return }
        byteCount += bytes.readableBytes
        if byteCount > bytesMax, !isHeld { drop() } else { pieces.append(bytes) }
    }

    /// From here on all of it stays.
    mutating func hold() { isHeld = true }

    /// It was sent: it stays if it is short.
    mutating func release() {
        isHeld = false
        if byteCount > bytesMax { drop() }
    }

    mutating func end(_ trailers: HeaderList?) {
        if isWhole { self.trailers = trailers }
    }

    /// It will not be sent again.
    mutating func drop() {
        isWhole = false
        pieces = []
        trailers = nil
    }
}
