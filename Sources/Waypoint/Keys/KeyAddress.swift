internal import MeshModel
internal import WaypointRoute

/// Where a key set is: an http or https URI, taken apart.
struct KeyAddress: Hashable, Sendable {
    let isSecure: Bool
    /// An address of IPv6 without its brackets.
    let host: String
    let port: UInt16
    /// As it stands in Host.
    let authority: String
    /// Path and query.
    let target: String

    /// `nil` for another scheme, user information, and what is no URI.
    init?(_ uri: String) {
        guard let mark = uri.firstRange(of: "://"),
            let scheme = try? HTTPScheme(request: uri[..<mark.lowerBound].utf8)
        else { return nil }
        let rest = uri[mark.upperBound...].prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let tail = rest[end...]
        let path = tail.first == "/" ? String(tail) : "/\(tail)"
        guard let authority = try? RequestAuthority(rest[..<end].utf8),
            let target = try? RequestPath(path.utf8, normalization: .none)
        else { return nil }
        isSecure = scheme == .https
        let host = String(decoding: authority.host, as: UTF8.self)
        self.host = host.first == "[" ? String(host.dropFirst().dropLast()) : host
        port = authority.port ?? (isSecure ? 443 : 80)
        self.authority = String(decoding: authority.bytes, as: UTF8.self)
        self.target = String(decoding: target.target, as: UTF8.self)
    }
}
