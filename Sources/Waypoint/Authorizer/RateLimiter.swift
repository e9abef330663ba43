package import MeshModel
package import WaypointRoute

/// A rate limit service, and what it is asked about requests. Names, defaults and meaning as of Envoy's rate limit
/// filter and its actions.
package struct RateLimiter: Hashable, Sendable {
    package var target: RouteTarget
    /// Under which the service keeps its limits.
    package var domain: String
    package var timeoutNanoseconds: Int64
    /// A request about which the service could not be asked is refused.
    package var failsClosed: Bool
    package var statusOnError: UInt16
    /// The actions of each descriptor. One that yields nothing drops its descriptor.
    package var descriptors: [[RateLimitAction]]

    package init(
        target: RouteTarget, domain: String, timeoutNanoseconds: Int64 = 20_000_000, failsClosed: Bool = false,
        statusOnError: UInt16 = 500, descriptors: [[RateLimitAction]]
    ) {
        self.target = target
        self.domain = domain
        self.timeoutNanoseconds = timeoutNanoseconds
        self.failsClosed = failsClosed
        self.statusOnError = statusOnError
        self.descriptors = descriptors
    }
}

/// Makes an entry of a descriptor out of a request.
package enum RateLimitAction: Hashable, Sendable {
    /// The cluster that the request goes to, as logs name it.
    case destinationCluster
    /// Without the field there is no descriptor, unless the entry alone may be missing.
    case requestHeader(HeaderName, key: String, mayBeAbsent: Bool)
    case queryParameter(String, key: String, mayBeAbsent: Bool)
    case remoteAddress
    /// Bits that are kept of an address of each family.
    case maskedRemoteAddress(v4Bits: Int, v6Bits: Int)
    case genericKey(key: String, value: String)
    /// The entry is there when all matches hold, or, unless they are expected to, when one does not.
    case headerMatch(key: String, value: String, expected: Bool, [RateLimitHeaderMatch])
}

/// A condition on a header; one that is not there meets none but a negated one.
package struct RateLimitHeaderMatch: Hashable, Sendable {
    package var name: HeaderName
    package var match: AuthorizationPolicy.StringMatch
    package var isNegated: Bool

    package init(name: HeaderName, match: AuthorizationPolicy.StringMatch, isNegated: Bool = false) {
        self.name = name
        self.match = match
        self.isNegated = isNegated
    }
}

/// What requests are counted by: entries in their order.
package struct RateLimitDescriptor: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let key: String
        package let value: String
    }

    package let entries: [Entry]
}

/// What descriptors are made of.
package struct RateLimitFacts: Sendable {
    package let head: RequestHead
    package let remote: IPAddress
    package let cluster: String

    package init(head: RequestHead, remote: IPAddress, cluster: String) {
        self.head = head
        self.remote = remote
        self.cluster = cluster
    }
}

/// What the service has decided.
package enum RateLimitVerdict: Sendable {
    case allowed(RequestChanges)
    /// 429 with these fields beside `x-envoy-ratelimited`.
    case limited(AuthorizerDenial)
}

extension RateLimiter {
    /// What is asked about; none: nothing is.
    package func descriptors(of facts: RateLimitFacts) -> [RateLimitDescriptor] {
        descriptors.compactMap { actions in
            var entries: [RateLimitDescriptor.Entry] = []
            for action in actions {
                switch action.entry(of: facts) {
                case .entry(let entry): entries.append(entry)
                case .none: break
                case .noDescriptor: return nil
                }
            }
            return entries.isEmpty ? nil : RateLimitDescriptor(entries: entries)
        }
    }
}

extension RateLimitAction {
    fileprivate enum Outcome {
        case entry(RateLimitDescriptor.Entry)
        case none
        case noDescriptor
    }

    fileprivate func entry(of facts: RateLimitFacts) -> Outcome {
        switch self {
        case .destinationCluster: .make("destination_cluster", facts.cluster)
        case .requestHeader(let name, let key, let mayBeAbsent):
            .make(key, facts.head.headers[name.text], mayBeAbsent: mayBeAbsent)
        case .queryParameter(let name, let key, let mayBeAbsent):
            .make(
                key, facts.head.path.queryValue(name.utf8).map { String(decoding: $0, as: UTF8.self) },
                mayBeAbsent: mayBeAbsent)
        case .remoteAddress: .make("remote_address", "\(facts.remote.canonical)")
        case .maskedRemoteAddress(let v4Bits, let v6Bits): masked(facts.remote.canonical, v4Bits, v6Bits)
        case .genericKey(let key, let value): .make(key, value)
        case .headerMatch(let key, let value, let expected, let matches):
            matches.allSatisfy { $0.holds(in: facts.head.headers) } == expected ? .make(key, value) : .noDescriptor
        }
    }

    private func masked(_ address: IPAddress, _ v4Bits: Int, _ v6Bits: Int) -> Outcome {
        guard let block = IPBlock(address, length: address.family == .v4 ? v4Bits : v6Bits) else {
            return .noDescriptor
        }
        return .make("masked_remote_address", "\(block)")
    }
}

extension RateLimitAction.Outcome {
    /// An empty value would count all requests as one.
    fileprivate static func make(_ key: String, _ value: String?, mayBeAbsent: Bool = false) -> Self {
        guard let value, !value.isEmpty else { return mayBeAbsent ? .none : .noDescriptor }
        return .entry(RateLimitDescriptor.Entry(key: key, value: value))
    }
}

extension RateLimitHeaderMatch {
    fileprivate func holds(in headers: HeaderList) -> Bool {
        guard let value = headers[name.text] else { return isNegated }
        let isSame =
            switch match {
            case .exact(let text): value == text
            case .prefix(let text): value.hasPrefix(text)
            case .suffix(let text): value.hasSuffix(text)
            case .presence: true
            }
        return isSame != isNegated
    }
}
