package import MeshModel
package import WaypointRoute

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
    /// Whom TLS has proven to call, and the address of its pod.
    package let identity: Identity
    package let remote: IPAddress
    /// The hostname of the service that is called.
    package let service: String

    package init(head: RequestHead, identity: Identity, remote: IPAddress, service: String) {
        self.head = head
        self.identity = identity
        self.remote = remote
        self.service = service
    }
}

/// What the service has decided, and how the caller stands where the service says so.
package enum RateLimitVerdict: Sendable {
    case allowed(RequestChanges, RateStanding?)
    /// 429 with these fields beside `x-envoy-ratelimited`.
    case limited(AuthorizerDenial, RateStanding?)
}

extension GlobalRateLimit {
    /// What is asked about a request.
    package func descriptors(of facts: RateLimitFacts) -> [RateLimitDescriptor] {
        descriptors.map { actions in RateLimitDescriptor(entries: actions.compactMap { $0.entry(of: facts) }) }
    }
}

extension RateLimitAction {
    /// An empty value has no form in Envoy's message, and a caller must not get out of a limit by leaving a field out.
    fileprivate func entry(of facts: RateLimitFacts) -> RateLimitDescriptor.Entry? {
        guard let value = value(of: facts), !value.isEmpty else {
            return mayBeAbsent ? nil : RateLimitDescriptor.Entry(key: key, value: Self.absent)
        }
        return RateLimitDescriptor.Entry(key: key, value: value)
    }

    private func value(of facts: RateLimitFacts) -> String? {
        switch source {
        case .fixed(let text): return text
        case .identity: return "\(facts.identity)"
        case .namespace: return facts.identity.namespace
        case .serviceAccount: return facts.identity.serviceAccount
        case .address: return "\(facts.remote.canonical)"
        case .network(let v4Bits, let v6Bits): return Self.network(of: facts.remote.canonical, v4Bits, v6Bits)
        case .header(let name): return facts.head.headers[name.text]
        case .queryParameter(let name):
            return facts.head.path.queryValue(name.utf8).map { String(decoding: $0, as: UTF8.self) }
        case .path: return String(decoding: facts.head.path.path, as: UTF8.self)
        case .method: return CheckMessage.text(facts.head.method.bytes)
        case .service: return facts.service
        }
    }

    private static func network(of address: IPAddress, _ v4Bits: UInt8, _ v6Bits: UInt8) -> String? {
        IPBlock(address, length: Int(address.family == .v4 ? v4Bits : v6Bits)).map { "\($0)" }
    }
}
