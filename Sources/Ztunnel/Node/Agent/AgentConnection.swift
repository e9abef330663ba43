internal import MeshDiscovery
internal import MeshKernel
internal import MeshModel

/// A connection to Istio's node agent. Its calls block.
final class AgentConnection: Sendable {
    struct Packet: Sendable {
        /// Empty when the agent has closed.
        let bytes: [UInt8]
        let namespace: NetworkNamespace?
    }

    /// Both ends send smaller ones.
    private static let bytesMax = 1024
    /// Between two looks whether this end shall stop.
    private static let silenceMilliseconds = 1_000

    private let socket: OwnedDescriptor

    /// Connects and says hello.
    init(path: String) throws(KernelError) {
        let socket = try UnixControl.connect(
            path: path, kind: .packets, timeoutMilliseconds: Self.silenceMilliseconds)
        try UnixControl.send(WireCodec.agentHello, over: socket)
        self.socket = socket
    }

    /// `nil` when nothing came for a while.
    func receive() throws(KernelError) -> Packet? {
        do throws(KernelError) {
            let message = try UnixControl.receive(bytesMax: Self.bytesMax, over: socket)
            let bytes = message.bytes
            guard let descriptor = message.takeDescriptor() else { return Packet(bytes: bytes, namespace: nil) }
            return Packet(bytes: bytes, namespace: try NetworkNamespace(adopting: descriptor))
        } catch {
            guard error.isTimeout else { throw error }
            return nil
        }
    }

    /// The answer to the last request; an empty error means that it was done.
    func acknowledge(error: String) throws(KernelError) {
        // The agent reads no more than this of one packet.
        let words = String(error.prefix(900))
        try UnixControl.send(WireCodec.agentAcknowledgement(error: words), over: socket)
    }
}
