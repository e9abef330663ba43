import MeshKernel
import MeshModel
import MeshTesting

/// A pod and a client outside of it, joined by a wire, both with IPv4 and IPv6.
struct PodFixture: Sendable {
    static let podV4 = IPAddress(v4: 0x0a01_0002)
    static let podV6 = IPAddress(v6High: 0xfd00_0001_0000_0000, low: 2)
    static let clientV4 = IPAddress(v4: 0x0a01_0001)
    static let clientV6 = IPAddress(v6High: 0xfd00_0001_0000_0000, low: 1)
    /// Behind the client, not on the wire: a source that only routing leads to.
    static let farV4 = IPAddress(v4: 0xc633_6407)
    static let farV6 = IPAddress(v6High: 0xfd00_0099_0000_0000, low: 7)

    static let timeoutMilliseconds = 5000

    let pod: TestNamespace
    let client: TestNamespace

    init() throws {
        pod = try TestNamespace()
        client = try TestNamespace()
        try TestNamespace.link(
            pod, "eth0", [Self.podV4, Self.podV6], client, "wire", [Self.clientV4, Self.clientV6])
        try pod.run("ip", "route", "add", "default", "via", "\(Self.clientV4)")
        try pod.run("ip", "-6", "route", "add", "default", "via", "\(Self.clientV6)")
    }

    static func podAddress(_ family: IPAddress.Family) -> IPAddress { family == .v4 ? podV4 : podV6 }
    static func clientAddress(_ family: IPAddress.Family) -> IPAddress { family == .v4 ? clientV4 : clientV6 }
    static func farAddress(_ family: IPAddress.Family) -> IPAddress { family == .v4 ? farV4 : farV6 }
    static func any(_ family: IPAddress.Family) -> IPAddress {
        family == .v4 ? IPAddress(v4: 0) : IPAddress(v6High: 0, low: 0)
    }

    /// A plain server, not of the proxy; the kernel chooses the port unless one is given.
    func server(
        in namespace: TestNamespace, _ family: IPAddress.Family, port: UInt16 = 0
    ) throws -> Server {
        let address = TransportAddress(Self.any(family), port: port)
        return try Server(PodSockets.listen(on: address, in: namespace.namespace, marked: false))
    }

    /// A listener as the proxy opens it.
    func proxyListener(_ port: UInt16) throws -> Server {
        try Server(PodSockets.listen(port: port, in: pod.namespace))
    }

    func connect(
        from namespace: TestNamespace, to address: TransportAddress, source: IPAddress? = nil, marked: Bool = false
    ) throws -> OwnedDescriptor {
        try PodSockets.connect(
            to: address, in: namespace.namespace, source: source, marked: marked,
            timeoutMilliseconds: Self.timeoutMilliseconds)
    }
}

/// A listener with its port.
struct Server: ~Copyable {
    let listener: OwnedDescriptor
    let port: UInt16

    init(_ listener: consuming OwnedDescriptor) throws {
        port = try listener.localAddress()?.port ?? 0
        self.listener = listener
    }

    func accept() throws -> OwnedDescriptor {
        try PodSockets.accept(on: listener, timeoutMilliseconds: Int32(PodFixture.timeoutMilliseconds))
    }

    /// Whether a connection waits to be accepted, now.
    func hasConnection() throws -> Bool {
        do {
            _ = try PodSockets.accept(on: listener, timeoutMilliseconds: 0)
            return true
        } catch KernelError.system(_, let errno) where errno == timedOut {
            return false
        }
    }

    private let timedOut: Int32 = 110
}
