internal import MeshModel

/// The header of the PROXY protocol, version 2, that tells an application who called. Asked for by
/// `application_tunnel` of Istio's workload.proto.
/// Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2.
struct ProxyHeader: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
    /// What the caller has proven; sent as text of its own type.
    var identity: Identity?

    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]
    /// Version 2, command PROXY.
    private static let versionAndCommand: UInt8 = 0x21
    private static let streamOverV4: UInt8 = 0x11
    private static let streamOverV6: UInt8 = 0x21
    /// The first type that the protocol leaves to its users; ztunnel puts the SPIFFE id there.
    private static let identityType: UInt8 = 0xd0

    var bytes: [UInt8] {
        var addresses = [source.ip.bytes, destination.ip.bytes]
        // Both must be of one family: an IPv4 address is then written as the IPv6 address that stands for it.
        let isV4 = addresses.allSatisfy { $0.count == 4 }
        if !isV4 { addresses = addresses.map(Self.mapped) }
        var content = addresses[0] + addresses[1] + Self.word(source.port) + Self.word(destination.port)
        if let identity {
            let text = Array(identity.description.utf8)
            content += [Self.identityType] + Self.word(UInt16(clamping: text.count)) + text
        }
        let family = isV4 ? Self.streamOverV4 : Self.streamOverV6
        return Self.signature + [Self.versionAndCommand, family] + Self.word(UInt16(clamping: content.count)) + content
    }

    private static func mapped(_ address: [UInt8]) -> [UInt8] {
        address.count == 4 ? [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + address : address
    }

    private static func word(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}
