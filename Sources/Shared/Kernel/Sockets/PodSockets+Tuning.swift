import CNetlink
import Glibc

extension PodSockets {
    /// Idle time, interval and count of TCP keep-alive on accepted connections, as Istio's ztunnel has them.
    private static let keepAlive: (idleSeconds: CInt, intervalSeconds: CInt, probes: CInt) = (180, 180, 9)

    /// Options that accepted sockets inherit from their listener (tcp(7)): no Nagle delay, keep-alive. None of them is
    /// needed for correctness, so a kernel that refuses one is no failure.
    package static func tuneListener(_ descriptor: CInt) {
        set(descriptor, SocketOptionNumbers.tcpLevel, SocketOptionNumbers.tcpNoDelay, 1)
        set(descriptor, SocketOptionNumbers.socketLevel, SocketOptionNumbers.keepAlive, 1)
        set(descriptor, SocketOptionNumbers.tcpLevel, SocketOptionNumbers.tcpKeepIdleSeconds, keepAlive.idleSeconds)
        set(
            descriptor, SocketOptionNumbers.tcpLevel, SocketOptionNumbers.tcpKeepIntervalSeconds,
            keepAlive.intervalSeconds)
        set(descriptor, SocketOptionNumbers.tcpLevel, SocketOptionNumbers.tcpKeepCount, keepAlive.probes)
    }

    /// Pending connections that a listening socket may have from now on, as far as the namespace's net.core.somaxconn
    /// allows. A second listen(2) changes nothing else.
    package static func setBacklog(_ connections: CInt, of descriptor: CInt) {
        _ = Glibc.listen(descriptor, connections)
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Chooses the congestion control of a socket by name; `false` when the kernel does not have it, and nothing
    /// changes.
    /// tcp(7), TCP_CONGESTION.
    @discardableResult
    package static func setCongestionControl(_ name: String, of descriptor: CInt) -> Bool {
        unsafe setsockopt(
            descriptor, SocketOptionNumbers.tcpLevel, SocketOptionNumbers.tcpCongestion, name,
            socklen_t(name.utf8.count)
        ) == 0
    }
}
