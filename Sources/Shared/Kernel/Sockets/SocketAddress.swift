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
        unsafe bytes.withUnsafeBytes { unsafe parse($0) }
    }

    static func parse(_ bytes: UnsafeRawBufferPointer) -> TransportAddress? {
        guard bytes.count >= 8 else { return nil }
        // The family in the machine's order, everything else in the network's.
        let family = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self)
        let port = unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        switch CInt(family) {
        case AF_INET:
            let bits = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            return TransportAddress(IPAddress(v4: bits), port: port)
        case AF_INET6:
            guard bytes.count >= 24 else { return nil }
            let high = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            return TransportAddress(IPAddress(v6High: high, low: low), port: port).canonical
        default:
            return nil
        }
    }
}
