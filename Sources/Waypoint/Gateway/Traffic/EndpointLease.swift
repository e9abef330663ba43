internal import MeshModel
internal import NIOCore
internal import WaypointResilience
internal import WaypointRoute

/// What one try of a request, one retry, or one connection has under way at a service port with rules of traffic. It
/// alone takes of the cluster, and it gives all back when it ends, once: when whoever owns it says so, and at the
/// latest when nobody holds it any more. What became of the try is told to outlier detection then.
final class EndpointLease {
    /// What an endpoint's answer, or the want of one, says of it; told at the end.
    var outcome: EndpointOutcome?
    let cluster: ServiceCluster
    private var uid: String?
    /// A bit for each resource that is taken.
    private var taken: UInt8 = 0
    private var waiter: ((Bool) -> Void)?
    private(set) var isOver = false

    init(_ cluster: ServiceCluster) { self.cluster = cluster }

    // Nobody ended it, as when a connection ends while it is being handed over.
    deinit { end() }

    /// A connection, if there may be another.
    static func connection(_ cluster: ServiceCluster) -> EndpointLease? {
        let lease = EndpointLease(cluster)
        return lease.takes(.connections) ? lease : nil
    }

    /// Takes one of what the circuit breaker counts; what it has already it need not take again.
    func take(_ resource: CircuitBreaker.Resource) throws(ConnectionFailure) {
        guard takes(resource) else { throw .limitReached(limit: "\(resource)") }
    }

    private func takes(_ resource: CircuitBreaker.Resource) -> Bool {
        guard !isOver, taken & resource.bit == 0 else { return true }
        guard cluster.take(resource) else { return false }
        taken |= resource.bit
        return true
    }

    /// Gives one of them back before the end.
    func release(_ resource: CircuitBreaker.Resource) {
        guard taken & resource.bit != 0 else { return }
        taken &= ~resource.bit
        cluster.release(resource)
    }

    /// The endpoint was chosen.
    func chose(_ uid: String) {
        guard !isOver, self.uid == nil else { return }
        self.uid = uid
        cluster.started(uid)
    }

    /// Nothing more is under way.
    func end() {
        guard !isOver else { return }
        isOver = true
        for resource in CircuitBreaker.Resource.allCases { release(resource) }
        if let uid { cluster.ended(uid, outcome: outcome, now: .sinceStart) }
        guard let waiter else { return }
        self.waiter = nil
        cluster.left()
        waiter(false)
    }

    // MARK: - Waiting

    var isWaiting: Bool { waiter != nil }

    /// Calls back once: with `true` when there may be a connection to be had, with `false` when this has ended.
    /// - Parameter isFirst: it has waited, and what there was to be had was not for it.
    func wait(isFirst: Bool, _ body: @escaping (Bool) -> Void) {
        guard !isOver else { return body(false) }
        waiter = body
        cluster.wait(self, isFirst: isFirst)
    }

    /// Answers whether it waited.
    func wake() -> Bool {
        guard let waiter else { return false }
        self.waiter = nil
        waiter(true)
        return true
    }
}

extension EndpointLease {
    /// Ends it with its connection.
    func end(with closing: EventLoopFuture<Void>) {
        closing.assumeIsolated().whenComplete { _ in self.end() }
    }
}

extension CircuitBreaker.Resource {
    fileprivate var bit: UInt8 { 1 << UInt8(rawValue) }
}

extension EndpointOutcome {
    /// How a try of a request ended.
    init(_ outcome: AttemptOutcome) {
        switch outcome {
        case .answered(_, let grpcStatus?): self.init(grpcStatus: grpcStatus)
        case .answered(let status, nil): self.init(status: status)
        case .connectFailed, .refusedStream, .reset, .timedOut: self = .localFailure
        }
    }
}

extension Duration {
    /// The time that rules of traffic count by.
    static var sinceStart: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }
}
