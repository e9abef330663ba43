package import MeshModel

/// All that policy may look at. Baggage and headers are not here: they are never an input to authorization.
package struct ConnectionFacts: Hashable, Sendable {
    /// The TCP peer's address, canonical.
    package let source: IPAddress
    /// From a finished mutual TLS handshake; `nil` for plain text.
    package let identity: Identity?
    /// The identity's; made once, as many requests may come on a connection.
    let principal: String?
    /// The pod's address and the real target port, after named ports and tunnels are resolved; canonical.
    package let destination: TransportAddress

    /// IPv4 inside IPv6 is turned into IPv4, so that IPv4 rules hold on dual-stack sockets.
    package init(source: IPAddress, identity: Identity?, destination: TransportAddress) {
        self.source = source.canonical
        self.identity = identity
        principal = identity?.principal
        self.destination = destination.canonical
    }
}
