import CNetlink
import Glibc
package import MeshModel

/// The addresses of a host, as the system's resolver knows them. getaddrinfo(3).
package enum HostLookup {
    /// In the order in which they should be tried (RFC 6724), each once; an address as text is its own answer. Blocks
    /// its thread until the resolver answers or gives up.
    /// Errors: ``KernelError/noSuchHost(host:reason:)``.
    @available(*, noasync)
    package static func addresses(of host: String) throws(KernelError) -> [IPAddress] {
        if let address = IPAddress(host) { return [address.canonical] }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            throw .noSuchHost(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(first) }
        var found: [IPAddress] = []
        var next = unsafe first
        while let entry = unsafe next {
            if let address = unsafe read(entry.pointee), !found.contains(address) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private static func read(_ entry: addrinfo) -> IPAddress? {
        guard let address = unsafe entry.ai_addr else { return nil }
        return unsafe SocketAddress.parse(
            UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))?.ip
    }
}
