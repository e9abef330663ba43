import CNetlink
import Glibc
package import MeshModel

/// An address of an interface, with the length of its network's prefix in bits.
package struct InterfaceAddress: Hashable, Sendable {
    package let address: IPAddress
    package let prefixLength: Int

    /// The addresses of a namespace, loopback and link-local ones left out. getifaddrs(3).
    @available(*, noasync)
    package static func all(in namespace: NetworkNamespace) throws(KernelError) -> [InterfaceAddress] {
        try namespace.perform { () throws(KernelError) -> [InterfaceAddress] in
            var first: UnsafeMutablePointer<ifaddrs>?
            guard unsafe getifaddrs(&first) == 0 else { throw .last("getifaddrs in \(namespace.identity)") }
            defer { unsafe freeifaddrs(first) }
            var found: [InterfaceAddress] = []
            var next = unsafe first
            while let entry = unsafe next {
                if let address = unsafe read(entry.pointee) { found.append(address) }
                unsafe next = entry.pointee.ifa_next
            }
            return found
        }
    }

    /// Another address of the same network: one that is reached without a router. `nil` for a network of one address.
    package var neighbour: IPAddress? {
        guard prefixLength <= address.family.bitCount - 2 else { return nil }
        let flipped = address.low ^ 1
        switch address.family {
        case .v4: return IPAddress(v4: UInt32(truncatingIfNeeded: flipped))
        case .v6: return IPAddress(v6High: address.high, low: flipped)
        }
    }

    private static func read(_ entry: ifaddrs) -> InterfaceAddress? {
        guard let address = unsafe entry.ifa_addr, let mask = unsafe entry.ifa_netmask else { return nil }
        guard let ip = unsafe bytes(of: address).flatMap({ IPAddress(bytes: $0) }),
            let maskBytes = unsafe bytes(of: mask)
        else { return nil }
        let isLinkLocal = ip.family == .v6 && ip.high >> 54 == 0x3fa
        guard !ip.isLoopback, !isLinkLocal else { return nil }
        return InterfaceAddress(address: ip, prefixLength: maskBytes.reduce(0) { $0 + $1.nonzeroBitCount })
    }

    private static func bytes(of address: UnsafeMutablePointer<sockaddr>) -> [UInt8]? {
        switch unsafe CInt(address.pointee.sa_family) {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                unsafe withUnsafeBytes(of: pointer.pointee.sin_addr) { unsafe Array($0) }
            }
        case AF_INET6:
            return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                unsafe withUnsafeBytes(of: pointer.pointee.sin6_addr) { unsafe Array($0) }
            }
        default:
            return nil
        }
    }
}
