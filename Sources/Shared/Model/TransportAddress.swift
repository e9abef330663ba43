/// An IP address and a TCP port. Parameters and fields say its role: `client`, `originalDestination`, `peer`.
package struct TransportAddress: Hashable, Sendable {
    package var ip: IPAddress
    package var port: UInt16

    package init(_ ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// `1.2.3.4:80` or `[2001:db8::1]:80`.
    package init?(_ text: some StringProtocol) {
        guard let parts = HostPort(text), let ip = IPAddress(parts.host) else { return nil }
        // Brackets belong to IPv6 and to nothing else.
        guard (ip.family == .v6) == text.hasPrefix("[") else { return nil }
        self.init(ip, port: parts.port)
    }

    /// With an IPv4 address inside IPv6 turned into IPv4.
    package var canonical: TransportAddress { TransportAddress(ip.canonical, port: port) }
}

extension TransportAddress: CustomStringConvertible {
    package var description: String {
        ip.family == .v6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}

/// `host:port` as text, brackets removed. The host is not interpreted.
package struct HostPort: Hashable, Sendable {
    package let host: String
    package let port: UInt16

    /// Both parts must be there; the port is decimal, 1...65535.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        guard (1...5).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = UInt16(digits), port > 0
        else { return nil }
        if host.hasPrefix("[") || host.hasSuffix("]") {
            guard host.count > 2, host.hasPrefix("["), host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
            guard !host.utf8.contains(where: { $0 == 0x5b || $0 == 0x5d }) else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }
}
