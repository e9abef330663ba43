import CNetlink
import Glibc
package import MeshModel

/// Sockets in a pod's network namespace, handed to NIO as descriptors.
package enum PodSockets {
    /// A listening TCP socket: `[::]` for both families, `0.0.0.0` where the namespace has no IPv6. Non-blocking,
    /// close-on-exec, SO_REUSEADDR and SO_REUSEPORT (two proxies listen during an upgrade), marked 0x539.
    /// `transparent` adds IP_TRANSPARENT. Port 0 lets the kernel choose.
    @available(*, noasync)
    package static func listen(
        port: UInt16, in namespace: NetworkNamespace, backlog: Int32 = 1024, transparent: Bool = true
    ) throws(KernelError) -> OwnedDescriptor {
        let family: IPAddress.Family = try namespace.hasIPv6() ? .v6 : .v4
        let address = TransportAddress(family == .v6 ? IPAddress(v6High: 0, low: 0) : IPAddress(v4: 0), port: port)
        return try listen(on: address, in: namespace, backlog: backlog, transparent: transparent)
    }

    /// As above at one address; `[::]` takes IPv4 as well.
    @available(*, noasync)
    package static func listen(
        on address: TransportAddress, in namespace: NetworkNamespace, backlog: Int32 = 1024, transparent: Bool = false,
        marked: Bool = true
    ) throws(KernelError) -> OwnedDescriptor {
        let socket = try open(address.ip.family, in: namespace, flags: apus_sock_nonblock)
        try socket.setOption("SO_REUSEADDR", level: SOL_SOCKET, option: SO_REUSEADDR, value: 1)
        try socket.setOption("SO_REUSEPORT", level: SOL_SOCKET, option: SO_REUSEPORT, value: 1)
        if address.ip.family == .v6 {
            // Set in both directions: the namespace's default (bindv6only) must not decide.
            let only: CInt = address.ip.isUnspecified ? 0 : 1
            try socket.setOption(
                "IPV6_V6ONLY", level: SocketOptionNumbers.ipv6Level, option: SocketOptionNumbers.ipv6Only, value: only)
        }
        if transparent { try makeTransparent(socket, family: address.ip.family) }
        if marked { try mark(socket) }
        let bound = unsafe SocketAddress.with(address) { unsafe Glibc.bind(socket.raw, $0, $1) }
        guard bound == 0 else { throw .last("bind \(address)") }
        guard Glibc.listen(socket.raw, backlog) == 0 else { throw .last("listen on \(address)") }
        return socket
    }

    /// A blocking connection made in the namespace, for checks of its rules. With `source` the socket is transparent
    /// and bound to that address although it is not ours; `marked` exempts it from capture. The timeout also holds for
    /// later reads and writes.
    @available(*, noasync)
    package static func connect(
        to address: TransportAddress, in namespace: NetworkNamespace, source: IPAddress? = nil, marked: Bool = false,
        timeoutMilliseconds: Int
    ) throws(KernelError) -> OwnedDescriptor {
        let socket = try open(address.ip.family, in: namespace, flags: 0)
        try socket.setReceiveTimeout(milliseconds: timeoutMilliseconds)
        if marked { try mark(socket) }
        if let source {
            try makeTransparent(socket, family: address.ip.family)
            let bound = unsafe SocketAddress.with(TransportAddress(source, port: 0)) {
                unsafe Glibc.bind(socket.raw, $0, $1)
            }
            guard bound == 0 else { throw .last("bind to foreign source \(source)") }
        }
        // Not repeated after a signal: the attempt goes on in the kernel, and the second call would be refused.
        let connected = unsafe SocketAddress.with(address) { unsafe Glibc.connect(socket.raw, $0, $1) }
        guard connected == 0 else { throw .last("connect to \(address)") }
        return socket
    }

    /// Takes a connection; waits at most that long. Close-on-exec, blocking.
    @available(*, noasync)
    package static func accept(
        on listener: borrowing OwnedDescriptor, timeoutMilliseconds: Int32
    ) throws(KernelError) -> OwnedDescriptor {
        var watched = pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0)
        let ready = try uninterrupted("poll for a connection") { unsafe poll(&watched, 1, timeoutMilliseconds) }
        guard ready > 0 else { throw .system(operation: "wait for a connection", errno: ETIMEDOUT) }
        let raw = try uninterrupted("accept") { apus_accept4(listener.raw, apus_sock_cloexec) }
        let connection = OwnedDescriptor(adopting: raw)
        try connection.setReceiveTimeout(milliseconds: Int(timeoutMilliseconds))
        return connection
    }

    /// Whether the kernel has that congestion control loaded (`cubic`, `bbr`).
    package static func isTCPCongestionControlAvailable(_ name: String) -> Bool {
        guard let text = try? SmallFile.read("/proc/sys/net/ipv4/tcp_available_congestion_control") else {
            return false
        }
        return text.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }).contains { $0.elementsEqual(name.utf8) }
    }

    private static func open(
        _ family: IPAddress.Family, in namespace: NetworkNamespace, flags: CInt
    ) throws(KernelError) -> OwnedDescriptor {
        try namespace.perform { () throws(KernelError) -> OwnedDescriptor in
            let domain = family == .v6 ? AF_INET6 : AF_INET
            let raw = Glibc.socket(domain, apus_sock_stream | apus_sock_cloexec | flags, 0)
            guard raw >= 0 else { throw .last("open a TCP socket in \(namespace.identity)") }
            return OwnedDescriptor(adopting: raw)
        }
    }

    private static func makeTransparent(
        _ socket: borrowing OwnedDescriptor, family: IPAddress.Family
    ) throws(KernelError) {
        switch family {
        case .v4:
            try socket.setOption(
                "IP_TRANSPARENT", level: SocketOptionNumbers.ipLevel, option: SocketOptionNumbers.ipTransparent,
                value: 1)
        case .v6:
            // One bit in the kernel for both families of a dual-stack socket.
            try socket.setOption(
                "IPV6_TRANSPARENT", level: SocketOptionNumbers.ipv6Level, option: SocketOptionNumbers.ipv6Transparent,
                value: 1)
        }
    }

    private static func mark(_ socket: borrowing OwnedDescriptor) throws(KernelError) {
        try socket.setOption("SO_MARK", level: SOL_SOCKET, option: SO_MARK, value: CInt(TunnelMarks.packet))
    }
}
