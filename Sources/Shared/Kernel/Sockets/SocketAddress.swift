import CNetlink
import Glibc
import MeshModel

/// Between a TransportAddress and the kernel's sockaddr_in and sockaddr_in6.
enum SocketAddress {
    /// Calls `body` with the address as the kernel wants it.
    static func with<R>(
        _ address: TransportAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        switch address.ip.family {
        case .v4:
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = address.port.bigEndian
            value.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.ip.low).bigEndian
            return unsafe withUnsafeBytes(of: &value) { unsafe call($0, body) }
        case .v6:
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = address.port.bigEndian
            let bytes = address.ip.bytes
            unsafe withUnsafeMutableBytes(of: &value.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafeBytes(of: &value) { unsafe call($0, body) }
        }
    }

    private static func call<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        guard let base = bytes.baseAddress else { preconditionFailure("an address structure has bytes") }
        return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }

    /// From what the kernel wrote into a buffer; IPv4 inside IPv6 becomes IPv4.
    static func parse(_ bytes: [UInt8]) -> TransportAddress? {
        guard bytes.count >= 8 else { return nil }
        let family = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        let range: Range<Int>
        switch CInt(UInt16(littleEndian: family)) {
        case AF_INET: range = 4..<8
        case AF_INET6: range = 8..<24
        default: return nil
        }
        guard bytes.count >= range.upperBound, let ip = IPAddress(bytes: bytes[range]) else { return nil }
        return TransportAddress(ip, port: port).canonical
    }
}
