/// A range of addresses with a common prefix (CIDR). Host bits are cleared when it is made.
package struct IPBlock: Hashable, Sendable {
    package let address: IPAddress
    /// Prefix length in bits: 0...32 or 0...128.
    package let length: Int

    /// `nil` when the length does not fit the family.
    package init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.address = Self.masked(address, length: length)
        self.length = length
    }

    /// The block that holds this one address.
    package init(_ address: IPAddress) {
        self.address = address
        self.length = address.family.bitCount
    }

    /// `10.0.0.0/8`, or a bare address for a block of one.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first), parts.count <= 2 else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        // No sign, no leading zero: one text for one block.
        guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            parts[1].utf8.count == 1 || parts[1].utf8.first != 48, let length = Int(parts[1])
        else { return nil }
        self.init(address, length: length)
    }

    /// Whether the address is in the block. Families never match each other.
    package func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && Self.masked(other, length: length) == address
    }

    /// A block inside `::ffff:0:0/96` becomes the IPv4 block it stands for; others stay.
    package var canonical: IPBlock {
        guard address.family == .v6, length >= 96, address.canonical.family == .v4 else { return self }
        return IPBlock(address.canonical, length: length - 96) ?? self
    }

    private static func masked(_ address: IPAddress, length: Int) -> IPAddress {
        switch address.family {
        case .v4:
            let mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
            return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) & mask)
        case .v6:
            let highMask = length >= 64 ? UInt64.max : (length == 0 ? 0 : UInt64.max << UInt64(64 - length))
            let lowMask = length <= 64 ? 0 : UInt64.max << UInt64(128 - length)
            return IPAddress(v6High: address.high & highMask, low: address.low & lowMask)
        }
    }
}

extension IPBlock: CustomStringConvertible {
    package var description: String { "\(address)/\(length)" }
}
