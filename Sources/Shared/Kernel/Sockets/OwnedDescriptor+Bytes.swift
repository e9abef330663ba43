import CNetlink
import Glibc

/// Blocking reads and writes, for control connections and probes; the data path is NIO's.
extension OwnedDescriptor {
    /// What is there, at most `bytesMax`; empty at the end of the stream. EAGAIN when a receive timeout passed.
    @available(*, noasync)
    package func read(bytesMax: Int) throws(KernelError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        let count = try uninterrupted("read") {
            unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(raw, $0.baseAddress, bytesMax) }
        }
        return Array(buffer[..<count])
    }

    /// All of it, to a socket.
    @available(*, noasync)
    package func write(_ bytes: [UInt8]) throws(KernelError) {
        var sent = 0
        while sent < bytes.count {
            sent += try uninterrupted("send") {
                unsafe bytes.withUnsafeBytes { buffer in
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent...])
                    // No SIGPIPE: a closed peer is an error of this connection only.
                    return unsafe Glibc.send(raw, rest.baseAddress, rest.count, apus_msg_nosignal)
                }
            }
        }
    }
}
