internal import MeshModel
internal import WaypointResilience
internal import WaypointRoute

/// What consistent hashing tells requests apart by.
struct HashKey {
    /// `nil`: the request has none, and chance decides.
    var hash: UInt64?
    /// The value of `set-cookie` for a client that had none.
    var cookie: String?

    /// - Parameter client: who opened the connection.
    init(
        _ policy: TrafficPolicy, head: RequestHead, client: IPAddress, using generator: inout some RandomNumberGenerator
    ) {
        guard case .consistentHash(let settings) = policy.balancing else { return }
        switch settings.key {
        case .header(let name): hash = head.headers.joined(name.text.utf8).map { StableHash.hash($0) }
        case .sourceAddress: hash = StableHash.hash(client.description.utf8)
        case .queryParameter(let name): hash = head.path.queryValue(name.utf8).map { StableHash.hash($0) }
        case .cookie(let settings):
            if let value = Self.cookie(settings.name.text, in: head.headers) {
                hash = StableHash.hash(value)
            } else if settings.lifetime != nil {
                let value = HashCookie.makeValue(using: &generator)
                hash = StableHash.hash(value.utf8)
                cookie = settings.field(value)
            }
        }
    }

    /// The key of a connection that is carried as bytes: where it comes from, or none.
    init(_ policy: TrafficPolicy, client: IPAddress) {
        guard case .consistentHash(let settings) = policy.balancing, settings.key == .sourceAddress else { return }
        hash = StableHash.hash(client.description.utf8)
    }

    /// The first cookie of a name (RFC 6265 section 5.4).
    private static func cookie(_ name: String, in headers: HeaderList) -> ArraySlice<UInt8>? {
        var place = 0
        while let index = headers.index(of: "cookie".utf8, from: place) {
            for pair in headers.value(at: index).split(separator: UInt8(ascii: ";")) {
                let pair = pair.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
                guard pair.starts(with: name.utf8) else { continue }
                let rest = pair.dropFirst(name.utf8.count)
                if rest.first == UInt8(ascii: "=") { return rest.dropFirst() }
            }
            place = index + 1
        }
        return nil
    }
}
