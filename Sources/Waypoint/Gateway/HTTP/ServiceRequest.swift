internal import HBONE
internal import MeshDiscovery
internal import MeshModel
internal import NIOCore
internal import WaypointAuthorizer
internal import WaypointHTTP
internal import WaypointResilience
internal import WaypointRoute

/// One question of our own to a service, and its whole answer: bounded in time and bytes. It goes as any request goes
/// to an endpoint, but in our own name, so that all questions of a loop share a connection.
final class ServiceRequest {
    typealias Completion = (Result<ServiceAnswer, ServiceFailure>) -> Void

    private let question: ServiceQuestion
    private let loop: GatewayLoop
    private let isHTTP2: Bool
    private let search: UpstreamSearch
    /// `nil` once it is over.
    private var completion: Completion?
    private var endpoint: EndpointSide?
    /// Counts the question, where rules of traffic hold for the service.
    private var lease: EndpointLease?
    private var timer: Scheduled<Void>?
    private var head: ResponseHead?
    private var body: [UInt8] = []
    private var attempts = 0
    /// A connection that had carried other questions was dead, and this one was asked again for it.
    private var isRepeated = false

    /// The completion is called once, on the loop, perhaps before this returns.
    /// - Parameters:
    ///   - isGRPC: HTTP/2, whatever the port says.
    ///   - limit: for all of it.
    /// - Returns: what can be cancelled; `nil` when it is over already.
    static func start(
        _ question: ServiceQuestion, to target: RouteTarget, isGRPC: Bool, within limit: TimeAmount,
        on loop: GatewayLoop, _ completion: @escaping Completion
    ) -> ServiceRequest? {
        guard loop.questions.count < loop.settings.questionsMax else {
            completion(.failure(.tooMany))
            return nil
        }
        guard let service = loop.world.service(target.service) else {
            completion(.failure(.unreachable("there is no service \(target.service)")))
            return nil
        }
        let called = CallTarget(subject: .service(service), port: target.port, address: nil)
        let request = ServiceRequest(
            question, to: called, isHTTP2: isGRPC || called.takesHTTP2(fromHTTP2Caller: false), on: loop, completion)
        loop.questions.count += 1
        request.timer = loop.eventLoop.assumeIsolated().scheduleTask(in: limit) { request.over(.failure(.timedOut)) }
        request.find(mayReuse: true)
        return request.completion == nil ? nil : request
    }

    private init(
        _ question: ServiceQuestion, to target: CallTarget, isHTTP2: Bool, on loop: GatewayLoop,
        _ completion: @escaping Completion
    ) {
        self.question = question
        self.loop = loop
        self.isHTTP2 = isHTTP2
        self.completion = completion
        search = UpstreamSearch(for: loop.ownCaller(to: target), to: target, on: loop)
    }

    /// Nobody waits for the answer any more.
    func cancel() {
        completion = nil
        leave(abort: true)
    }

    private func find(mayReuse: Bool) {
        attempts += 1
        head = nil
        body = []
        lease?.end()
        let lease = search.cluster.map { EndpointLease($0) }
        self.lease = lease
        search.request(mayReuse: mayReuse, isHTTP2: isHTTP2, pinned: nil, lease: lease) { result in
            guard self.completion != nil else {
                if case .success(let endpoint) = result { endpoint.abort() }
                return
            }
            switch result {
            case .success(let endpoint): self.send(to: endpoint)
            case .failure(let failure):
                if failure.mayTryAnotherEndpoint { lease?.outcome = .localFailure }
                guard failure.mayTryAnotherEndpoint, self.attempts < self.loop.settings.connectAttemptsMax else {
                    return self.over(.failure(.unreachable(failure.description)))
                }
                self.find(mayReuse: true)
            }
        }
    }

    private func send(to endpoint: EndpointSide) {
        self.endpoint = endpoint
        endpoint.use(.service(self))
        endpoint.write(question.head, framing: .length(question.body.count), upgrades: false)
        guard completion != nil else { return }
        if !question.body.isEmpty { endpoint.write(ByteBuffer(bytes: question.body)) }
        endpoint.end(nil)
        endpoint.flush()
        endpoint.read()
    }

    // MARK: - The answer

    func answered(_ head: ResponseHead) {
        guard !head.isInterim else { return }
        self.head = head
        lease?.outcome = EndpointOutcome(status: head.status)
    }

    func receive(_ bytes: ByteBuffer) {
        guard completion != nil else { return }
        guard body.count + bytes.readableBytes <= loop.settings.questionAnswerBytesMax else {
            return over(.failure(.answerTooLong))
        }
        body.append(contentsOf: bytes.readableBytesView)
    }

    func answerPaused() { endpoint?.read() }

    func answerEnded(_ trailers: HeaderList?) {
        guard completion != nil, let head else { return }
        let answer = ServiceAnswer(status: head.status, headers: head.headers, body: body, trailers: trailers)
        over(.success(answer))
    }

    func endpointFailed(_ failure: EndpointFailure) {
        guard completion != nil else { return }
        let mayAskAgain = endpoint?.isReused == true && head == nil && !isRepeated
        let left = endpoint
        endpoint = nil
        left?.abort()
        lease?.outcome = .localFailure
        switch failure {
        case .lost, .refused:
            guard mayAskAgain else { return over(.failure(.lost(failure.reply.details))) }
            isRepeated = true
            find(mayReuse: false)
        case .reset(let code): over(.failure(.lost("reset: \(code)")))
        case .malformed(let why): over(.failure(.malformed(why)))
        }
    }

    private func over(_ result: Result<ServiceAnswer, ServiceFailure>) {
        guard let completion else { return }
        self.completion = nil
        if case .success = result { leave(abort: false) } else { leave(abort: true) }
        completion(result)
    }

    private func leave(abort: Bool) {
        guard let timer else { return }
        timer.cancel()
        self.timer = nil
        loop.questions.count -= 1
        lease?.end()
        lease = nil
        let left = endpoint
        endpoint = nil
        if abort { left?.abort() } else { left?.release() }
    }
}

/// What is under way on one loop for authorizers.
struct QuestionLoad {
    var count = 0
    /// Of bodies that wait to be sent to them.
    var heldBytes = 0
}

extension GatewayLoop {
    /// Ourselves, where we ask for our own sake.
    func ownCaller(to target: CallTarget) -> Caller {
        let address = own.addresses.first ?? IPAddress(v4: 0)
        return Caller(
            identity: settings.identity, client: TransportAddress(address, port: 0),
            request: ConnectRequest(authority: "\(target.service?.hostname ?? ""):\(target.port)"))
    }
}
