internal import MeshKernel
internal import MeshModel

/// A connection that only the capture rules can bring to 15001: to an address of the documentation ranges, where no
/// host is, from inside the pod and without the proxy's mark.
enum SelfTest {
    /// Waiting for the connection, in milliseconds: it never leaves the machine.
    private static let timeoutMilliseconds = 2_000
    /// Network or host unreachable (ENETUNREACH, EHOSTUNREACH), address family not there (EAFNOSUPPORT, EADDRNOTAVAIL).
    private static let noRouteErrors: Set<Int32> = [101, 113, 97, 99]

    /// Destinations to try until one is routable: 192.0.2.127 and 2001:db8::7f, then neighbours of the pod's addresses.
    static func destinations(in namespace: NetworkNamespace) throws -> [TransportAddress] {
        let port = UInt16.random(in: 20_000...60_000)
        let neighbours = try InterfaceAddress.all(in: namespace).compactMap(\.neighbour)
        let fixed = [IPAddress(v4: 0xc000_027f), IPAddress(v6High: 0x2001_0db8_0000_0000, low: 0x7f)]
        return (fixed + neighbours).map { TransportAddress($0, port: port) }
    }

    /// Starts the connection and lets go of it; its arrival is what counts. `false` when there is no route.
    static func connect(to destination: TransportAddress, in namespace: NetworkNamespace) throws -> Bool {
        do throws(KernelError) {
            _ = try PodSockets.connect(to: destination, in: namespace, timeoutMilliseconds: timeoutMilliseconds)
            return true
        } catch {
            guard let errno = error.errno, noRouteErrors.contains(errno) else { throw error }
            return false
        }
    }
}
