internal import MeshModel
internal import NIOCore

/// How long a connection to an endpoint serves requests, where rules of traffic bound it.
struct ConnectionLife {
    private let requestsMax: UInt32?
    /// How long it rests between two requests; `nil`: as long as the waypoint's own limit says.
    let idleTime: TimeAmount?
    private let end: NIODeadline?
    private var requests: UInt32 = 0

    /// From now on.
    init(_ limits: ConnectionLimits?) {
        requestsMax = limits?.requestsPerConnectionMax
        // Zero is for ever.
        idleTime = limits?.idleTimeout.map { $0 == .zero ? .nanoseconds(.max) : TimeAmount($0) }
        end = limits?.connectionDurationMax.map { .now() + TimeAmount($0) }
    }

    /// A request is given to it.
    mutating func took() { requests &+= 1 }

    /// It takes no other request.
    var isOver: Bool {
        if let requestsMax, requests >= requestsMax { return true }
        guard let end else { return false }
        return NIODeadline.now() >= end
    }

    /// It has rested too long.
    /// - Parameter standard: how long it may without a rule.
    func isStale(since: NIODeadline, standard: TimeAmount, now: NIODeadline) -> Bool {
        now - since >= idleTime ?? standard
    }
}
