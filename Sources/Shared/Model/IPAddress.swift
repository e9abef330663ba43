/// An IPv4 or IPv6 address as a value of 17 bytes: no text, no allocation, cheap to hash.
package struct IPAddress: Hashable, Sendable {
    package enum Family: UInt8, Hashable, Sendable {
        case v4 = 4
        case v6 = 6

        /// Length of an address in bits: 32 or 128.
        package var bitCount: Int { self == .v4 ? 32 : 128 }
    }

    package let family: Family
    /// IPv6: the first 64 bits. IPv4: zero.
    package let high: UInt64
    /// IPv6: the last 64 bits. IPv4: the address in the low 32 bits.
    package let low: UInt64

    package init(v4 bits: UInt32) {
        self.family = .v4
        self.high = 0
        self.low = UInt64(bits)
    }

    package init(v6High high: UInt64, low: UInt64) {
        self.family = .v6
        self.high = high
        self.low = low
    }

    /// From network byte order: 4 or 16 bytes; any other count is `nil`.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(v6High: high, low: low)
        default:
            return nil
        }
    }

    /// Network byte order: 4 or 16 bytes.
    package var bytes: [UInt8] {
        switch family {
        case .v4:
            return (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * $0)) }
        case .v6:
            let first = (0..<8).map { UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * $0)) }
            return first + (0..<8).map { UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * $0)) }
        }
    }

    /// An IPv4 address inside IPv6 (`::ffff:a.b.c.d`, what a dual-stack socket reports) becomes IPv4; others stay.
    package var canonical: IPAddress {
        guard family == .v6, high == 0, low >> 32 == 0xffff else { return self }
        return IPAddress(v4: UInt32(truncatingIfNeeded: low))
    }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        switch family {
        case .v4: return low >> 24 == 127
        case .v6: return high == 0 && low == 1
        }
    }

    /// 0.0.0.0 or ::.
    package var isUnspecified: Bool { high == 0 && low == 0 }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by value.
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        (left.family.rawValue, left.high, left.low) < (right.family.rawValue, right.high, right.low)
    }
}
