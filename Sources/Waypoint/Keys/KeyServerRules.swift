package import MeshModel

/// Which addresses key sets may be fetched from. Whoever writes a RequestAuthentication names a URI, and the waypoint
/// asks it from its own place in the network: neither a cloud's metadata nor what trusts its neighbours by their
/// address may be reached so.
package struct KeyServerRules: Sendable {
    /// A socket by the name or the address of its host.
    package struct Socket: Hashable, Sendable {
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// Blocks that may be asked although they are refused to begin with.
    package var allowed: [IPBlock] = []
    /// Never asked, whatever is allowed: the control plane's own.
    package var refusedSockets: Set<Socket> = []

    package init() {}

    /// What is refused to begin with: this host (RFC 1122, 3.2.1.3), loopback, link-local, where clouds serve the
    /// metadata of machines, multicast and reserved ones; and the metadata service of AWS in IPv6.
    static let refusedBlocks: [IPBlock] = refusedTexts.compactMap { IPBlock($0) }

    static let refusedTexts = [
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fe80::/10",
        "ff00::/8", "fd00:ec2::254/128",
    ]

    /// The addresses of a host that may be connected to, in their order.
    /// - Parameter lookup: the addresses of another host; asked for the control plane's, when the port is its own.
    func permitted(
        _ addresses: [IPAddress], port: UInt16, lookup: (_ host: String) -> [IPAddress]
    ) -> [TransportAddress] {
        let closed = refusedSockets.filter { $0.port == port }.flatMap { lookup($0.host) }.map(Self.plain)
        return addresses.filter { address in
            let plain = Self.plain(address)
            guard !closed.contains(plain) else { return false }
            return allowed.contains { $0.canonical.contains(plain) }
                || !Self.refusedBlocks.contains { $0.contains(plain) }
        }.map { TransportAddress($0, port: port) }
    }

    /// The IPv4 address that is meant by one of IPv6: mapped, or by the well-known prefix of NAT64 (RFC 6052, 2.1).
    private static func plain(_ address: IPAddress) -> IPAddress {
        let isTranslated = address.family == .v6 && address.high == 0x0064_ff9b_0000_0000 && address.low >> 32 == 0
        return isTranslated ? IPAddress(v4: UInt32(truncatingIfNeeded: address.low)) : address.canonical
    }
}
