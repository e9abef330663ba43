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
        guard let parts = HostPort(text), let address = TransportAddress(parts) else { return nil }
        self = address
    }

    /// `nil` when the host is a name, or when brackets stand around anything but IPv6.
    package init?(_ parts: HostPort) {
        guard let ip = IPAddress(parts.host), (ip.family == .v6) == parts.isBracketed else { return nil }
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
    /// The host stood in square brackets.
    package let isBracketed: Bool

    /// Both parts must be there; the port is decimal, 1...65535.
    package init?(_ text: some StringProtocol) {
        // Bytes, not characters: every new connection comes by here, and finding characters took 3 % of it.
        let text = String(text)
        let bytes = text.utf8
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            let port = Self.port(bytes[bytes.index(after: colon)...])
        else { return nil }
        var host = bytes[..<colon]
        let isOpened = host.first == UInt8(ascii: "[")
        guard isOpened == (host.last == UInt8(ascii: "]")) else { return nil }
        if isOpened {
            guard host.count > 2 else { return nil }
            host = host.dropFirst().dropLast()
            guard !host.contains(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") }) else { return nil }
        } else if host.contains(UInt8(ascii: ":")) {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(text[host.startIndex..<host.endIndex])
        self.port = port
        self.isBracketed = isOpened
    }

    private static func port(_ digits: some Collection<UInt8>) -> UInt16? {
        var value = 0
        var count = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit), count < 5 else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            count += 1
        }
        return value > 0 ? UInt16(exactly: value) : nil
    }
}
