package import MeshModel
package import NIOCore

extension SocketAddress {
    /// An address of the model as NIO wants it.
    package init(_ address: TransportAddress) throws {
        try self.init(packedIPAddress: ByteBuffer(bytes: address.ip.bytes), port: Int(address.port))
    }
}
