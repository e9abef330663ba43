import CNetlink
import Glibc
package import MeshModel

/// Who connected, to which of our addresses, and where it wanted to go before the redirect. All canonical.
package struct AcceptedAddresses: Hashable, Sendable {
    package let client: TransportAddress
    package let local: TransportAddress
    /// Equal to `local` when the connection was not redirected or connection tracking does not know it.
    package let original: TransportAddress

    /// Asks the kernel, without text in between (7 % of a new connection went there). The descriptor is borrowed, from
    /// NIO for example; `nil` when it is no connected TCP socket.
    package init?(of descriptor: CInt) {
        guard
            let client = unsafe Self.ask({ unsafe getpeername(descriptor, $0, $1) }),
            let local = unsafe Self.ask({ unsafe getsockname(descriptor, $0, $1) })
        else { return nil }
        self.client = client
        self.local = local
        self.original = PodSockets.originalDestination(of: descriptor, local: local) ?? local
    }

    /// Calls with room for an address of either family.
    static func ask(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> TransportAddress? {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress,
                unsafe call(base.assumingMemoryBound(to: sockaddr.self), &length) == 0
            else { return nil }
            return unsafe SocketAddress.parse(UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(length))))
        }
    }
}

extension PodSockets {
    /// Where a redirected connection wanted to go, canonical; `nil` when conntrack does not know the connection.
    /// A connection that was not redirected yields its own destination. `local` (canonical) says which family to
    /// ask. Works on any descriptor of the connection, borrowed from NIO.
    package static func originalDestination(of descriptor: CInt, local: TransportAddress) -> TransportAddress? {
        let isV4 = local.canonical.ip.family == .v4
        let ask = { (level: CInt) in
            unsafe AcceptedAddresses.ask { address, length in
                unsafe getsockopt(descriptor, level, SocketOptionNumbers.originalDestination, address, length)
            }
        }
        let (first, second) =
            isV4
            ? (SocketOptionNumbers.ipLevel, SocketOptionNumbers.ipv6Level)
            : (SocketOptionNumbers.ipv6Level, SocketOptionNumbers.ipLevel)
        return ask(first) ?? ask(second)
    }
}
