/// What a request speaks, for metrics.
package enum RequestProtocol: UInt8, Hashable, Sendable {
    case http, grpc

    var name: String { self == .grpc ? "grpc" : "http" }
}

/// A party (one side's labels) that a shard knows by number. Good only on the shard that gave it.
package struct PartyNumber: Hashable, Sendable {
    let index: Int32

    /// Stands for all parties beyond the limit.
    static let overflow = PartyNumber(index: -1)
}

/// A service that a shard knows by number; as `PartyNumber`.
package struct ServiceNumber: Hashable, Sendable {
    let index: Int32

    /// Stands for all services beyond the limit.
    static let overflow = ServiceNumber(index: -2)

    /// The request was made to no service.
    package static let none = ServiceNumber(index: -1)
}

/// What requests of one loop are counted apart by: numbers only, so that finding its counters costs one small hash.
package struct RequestKey: Hashable, Sendable {
    package var source: PartyNumber
    package var destination: PartyNumber
    package var service: ServiceNumber
    /// 0: the caller got no answer.
    package var status: UInt16
    /// `noStatus`: the answer had none.
    package var grpcStatus: UInt8
    package var flags: EnvoyFlags
    package var spoken: RequestProtocol
    /// Both sides were proven by mutual TLS, or the destination was not reached.
    package var isMutualTLS: Bool

    /// No gRPC status (0 to 16) was given.
    package static let noStatus: UInt8 = 255

    package init(
        source: PartyNumber, destination: PartyNumber, service: ServiceNumber, status: Int, grpcStatus: Int? = nil,
        flags: EnvoyFlags = [], spoken: RequestProtocol = .http, isMutualTLS: Bool = true
    ) {
        self.source = source
        self.destination = destination
        self.service = service
        self.status = UInt16(clamping: status)
        self.grpcStatus = grpcStatus.map { UInt8(clamping: min($0, 254)) } ?? Self.noStatus
        self.flags = flags
        self.spoken = spoken
        self.isMutualTLS = isMutualTLS
    }

    /// The key that counts instead of this one when there are too many: what is known to be few stays apart.
    var overflow: RequestKey {
        var key = self
        (key.source, key.destination, key.service) = (.overflow, .overflow, .overflow)
        key.status = status / 100 * 100
        key.grpcStatus = Self.noStatus
        key.flags = []
        return key
    }
}

/// What one request adds to its counters.
package struct RequestAmounts: Hashable, Sendable {
    package var durationMilliseconds = 0.0
    /// Of the bodies.
    package var requestBytes = 0
    package var responseBytes = 0
    /// gRPC messages in the bodies; 0 for anything else.
    package var requestMessages = 0
    package var responseMessages = 0

    package init() {}
}
