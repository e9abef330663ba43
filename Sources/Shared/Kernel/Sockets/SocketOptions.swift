import CNetlink
import Glibc
package import MeshModel

extension OwnedDescriptor {
    /// setsockopt with an int. `name` is for the error text.
    func setOption(_ name: String, level: CInt, option: CInt, value: CInt) throws(KernelError) {
        var value = value
        let size = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe setsockopt(raw, level, option, &value, size) == 0 else {
            throw .last("set socket option \(name)")
        }
    }

    func setReceiveTimeout(milliseconds: Int) throws(KernelError) {
        try setTimeouts(receiveMilliseconds: milliseconds, sendMilliseconds: milliseconds)
    }

    /// Bounds of each later receive and send, which fail with EAGAIN when they pass; 0 waits without end.
    package func setTimeouts(receiveMilliseconds: Int, sendMilliseconds: Int) throws(KernelError) {
        try setTimeout("SO_RCVTIMEO", SO_RCVTIMEO, milliseconds: receiveMilliseconds)
        try setTimeout("SO_SNDTIMEO", SO_SNDTIMEO, milliseconds: sendMilliseconds)
    }

    private func setTimeout(_ name: String, _ option: CInt, milliseconds: Int) throws(KernelError) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        guard unsafe setsockopt(raw, SOL_SOCKET, option, &time, size) == 0 else {
            throw .last("set socket option \(name)")
        }
    }

    /// The socket's own address (getsockname), canonical; `nil` for other families.
    package func localAddress() throws(KernelError) -> TransportAddress? {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = socklen_t(bytes.count)
        let failed = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe getsockname(raw, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) != 0
        }
        guard !failed else { throw .last("getsockname") }
        return SocketAddress.parse(Array(bytes.prefix(Int(length))))
    }

    /// The peer's address (getpeername), canonical; `nil` for other families.
    package func peerAddress() throws(KernelError) -> TransportAddress? {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = socklen_t(bytes.count)
        let failed = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe getpeername(raw, buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) != 0
        }
        guard !failed else { throw .last("getpeername") }
        return SocketAddress.parse(Array(bytes.prefix(Int(length))))
    }
}
