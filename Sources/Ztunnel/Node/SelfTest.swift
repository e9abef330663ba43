internal import MeshKernel
internal import MeshModel
internal import NIOCore

/// A connection that only the capture rules can bring to 15001: to an address of the documentation ranges, where no
/// host is, from inside the pod and without the proxy's mark.
enum SelfTest {
    /// For the connection and its arrival: it never leaves the machine.
    static let timeout = TimeAmount.seconds(2)

    /// Destinations to try until one is routable: 192.0.2.127 and 2001:db8::7f, then neighbours of the pod's addresses.
    static func destinations(in namespace: NetworkNamespace) throws -> [TransportAddress] {
        let port = UInt16.random(in: 20_000...60_000)
        let neighbours = try InterfaceAddress.all(in: namespace).compactMap(\.neighbour)
        let fixed = [IPAddress(v4: 0xc000_027f), IPAddress(v6High: 0x2001_0db8_0000_0000, low: 0x7f)]
        return (fixed + neighbours).map { TransportAddress($0, port: port) }
    }
}
