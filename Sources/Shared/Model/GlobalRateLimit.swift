/// Limits that one service keeps for all waypoints together, asked by Envoy's `envoy.service.ratelimit.v3`. Names,
/// defaults and meaning as of Envoy's rate limit filter, but that without an answer requests are refused, and that
/// every request is asked about: a field that is not there counts as ``RateLimitAction/absent``.
package struct GlobalRateLimit: Hashable, Sendable {
    /// Whom to ask; `nil`: nobody can be asked, and each request ends as one without an answer.
    package var target: RouteTarget?
    /// Under which the service keeps its limits.
    package var domain = ""
    /// Of one answer.
    package var timeout: Duration = .milliseconds(20)
    /// A request about which the service gave no answer goes on.
    package var failsOpen = false
    /// Of the answer to a request about which the service gave none. From 200 to 599.
    package var statusOnError: UInt16 = 500
    /// The actions of each descriptor, in their order.
    package var descriptors: [[RateLimitAction]] = []

    package init() {}

    /// Holds the values to what their fields allow. Where nobody can be asked, what would be asked does not matter.
    package func check() throws(TrafficValueError) {
        guard timeout >= .milliseconds(1), timeout <= TrafficLimits.durationMax else {
            let expected = "\(Duration.milliseconds(1)) to \(TrafficLimits.durationMax)"
            throw .range(field: "globalRateLimit.timeout", expected: expected)
        }
        guard (200...599).contains(statusOnError) else {
            throw .range(field: "globalRateLimit.statusOnError", expected: "200 to 599")
        }
        if target != nil { try checkQuestion() }
    }

    /// Holds what is asked to what its fields allow.
    package func checkQuestion() throws(TrafficValueError) {
        guard (1...TrafficLimits.descriptorBytesMax).contains(domain.utf8.count) else {
            throw .range(field: "globalRateLimit.domain", expected: "1 to \(TrafficLimits.descriptorBytesMax) bytes")
        }
        for count in [descriptors.count] + descriptors.map(\.count)
        where !(1...TrafficLimits.descriptorsMax).contains(count) {
            let expected = "1 to \(TrafficLimits.descriptorsMax) descriptors of as many entries"
            throw .range(field: "globalRateLimit.descriptors", expected: expected)
        }
        for actions in descriptors {
            guard actions.contains(where: { !$0.mayBeAbsent }) else {
                throw .range(field: "globalRateLimit.descriptors", expected: "an entry that is always there")
            }
            for action in actions { try action.check() }
        }
    }
}

/// Makes one entry of a descriptor out of a request.
package struct RateLimitAction: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        case fixed(String)
        /// Whom TLS has proven the caller to be, and the parts of it.
        case identity
        case namespace
        case serviceAccount
        /// Of the caller's pod.
        case address
        /// So many bits of it, by its family.
        case network(v4Bits: UInt8, v6Bits: UInt8)
        case header(HeaderName)
        case queryParameter(String)
        /// As policies and routes see it, without the query.
        case path
        case method
        /// The hostname of the service that is called.
        case service
    }

    /// What stands for what a request does not have, as in Envoy's logs.
    package static let absent = "-"

    package var key: String
    package var source: Source
    /// Without a value there is no entry.
    package var mayBeAbsent: Bool

    /// - Parameter key: `nil`: ``Source/standardKey``.
    package init(_ source: Source, key: String? = nil, mayBeAbsent: Bool = false) {
        self.key = key ?? source.standardKey
        self.source = source
        self.mayBeAbsent = mayBeAbsent
    }

    fileprivate func check() throws(TrafficValueError) {
        var texts = [key]
        switch source {
        case .fixed(let text), .queryParameter(let text): texts.append(text)
        case .network(let v4Bits, let v6Bits):
            guard v4Bits <= 32, v6Bits <= 128 else {
                throw .range(field: "globalRateLimit.descriptors", expected: "prefixes of at most 32 and 128 bits")
            }
        case .identity, .namespace, .serviceAccount, .address, .header, .path, .method, .service: break
        }
        guard texts.allSatisfy({ (1...TrafficLimits.descriptorBytesMax).contains($0.utf8.count) }) else {
            throw .range(
                field: "globalRateLimit.descriptors",
                expected: "keys and values of 1 to \(TrafficLimits.descriptorBytesMax) bytes")
        }
    }
}

extension RateLimitAction.Source {
    /// Envoy's key where it has an action for it.
    package var standardKey: String {
        switch self {
        case .fixed: "generic_key"
        case .identity: "source_identity"
        case .namespace: "source_namespace"
        case .serviceAccount: "source_service_account"
        case .address: "remote_address"
        case .network: "masked_remote_address"
        case .header(let name): name.text
        case .queryParameter(let name): name
        case .path: "path"
        case .method: "method"
        case .service: "destination_service"
        }
    }
}
