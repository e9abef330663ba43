import Glibc

/// What a program is given to read.
package enum StandardInput {
    /// All of it, up to its end or one byte more than the bound: whoever asked sees that it was too much.
    @available(*, noasync)
    package static func read(bytesMax: Int) throws(KernelError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= bytesMax {
            let count = try uninterrupted("read standard input") {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
