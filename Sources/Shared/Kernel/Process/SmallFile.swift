import Glibc

/// Files of procfs and the like: a few bytes, read in one go.
package enum SmallFile {
    /// More than any file asked for here holds; the rest would be cut off.
    static let bytesMax = 16 * 1024

    /// The content, or `nil` when there is no such file.
    package static func read(_ path: String) throws(KernelError) -> [UInt8]? {
        let raw = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else {
            if errno == ENOENT { return nil }
            throw .last("open \(path)")
        }
        let file = OwnedDescriptor(adopting: raw)
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        var used = 0
        while used < bytesMax {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(file.raw, bytes.baseAddress.map { unsafe $0 + used }, bytesMax - used)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read \(path)") }
            if count == 0 { break }
            used += count
        }
        return Array(buffer[..<used])
    }
}
