/// Socket options by number, for NIO's raw option interface. ip(7), ipv6(7), socket(7), tcp(7), Linux UAPI headers.
package enum SocketOptionNumbers {
    package static let socketLevel: CInt = 1
    package static let ipLevel: CInt = 0
    package static let ipv6Level: CInt = 41
    package static let tcpLevel: CInt = 6

    /// Bind to and accept for addresses that are not the host's. Value 0 or 1.
    package static let ipTransparent: CInt = 19
    package static let ipv6Transparent: CInt = 75
    /// Bind to an address that is not there (yet).
    package static let ipFreebind: CInt = 15
    package static let ipv6Freebind: CInt = 78
    /// Leave the choice of the port to connect.
    package static let ipBindAddressNoPort: CInt = 24
    /// 0 on an IPv6 listener: take IPv4 as well.
    package static let ipv6Only: CInt = 26
    /// At the socket level: the packet mark.
    package static let mark: CInt = 36
    package static let reusePort: CInt = 15
    package static let reuseAddress: CInt = 2
    package static let keepAlive: CInt = 9
    /// At ipLevel and ipv6Level: where a redirected connection wanted to go.
    package static let originalDestination: CInt = 80
    package static let tcpNoDelay: CInt = 1
    package static let tcpKeepIdleSeconds: CInt = 4
    package static let tcpKeepIntervalSeconds: CInt = 5
    package static let tcpKeepCount: CInt = 6
    package static let tcpCongestion: CInt = 13
    package static let tcpUserTimeoutMilliseconds: CInt = 18
}
