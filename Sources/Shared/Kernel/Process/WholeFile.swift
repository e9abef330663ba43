import CNetlink
import Glibc

/// Files that others read at any time: they see the old content or the new one, never a part.
package enum WholeFile {
    /// Writes beside the file under a hidden name that ends in `.apus`, and renames. `mode` holds for the new file.
    @available(*, noasync)
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(KernelError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let fresh = (parts.dropLast() + [".\(parts.last ?? "").apus"]).joined(separator: "/")
        // What a writer that was killed left is not opened but removed: it may be a link of somebody.
        _ = unsafe unlink(fresh)
        let raw = unsafe Glibc.open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard raw >= 0 else { throw .last("create \(fresh)") }
        let file = OwnedDescriptor(adopting: raw)
        do throws(KernelError) {
            try write(bytes, to: file)
            // The mode given to open is cut by the process's mask.
            guard fchmod(file.raw, mode) == 0 else { throw .last("chmod \(fresh)") }
            guard fsync(file.raw) == 0 else { throw .last("fsync \(fresh)") }
            guard unsafe rename(fresh, path) == 0 else { throw .last("rename \(fresh) to \(path)") }
        } catch {
            _ = unsafe unlink(fresh)
            throw error
        }
    }

    /// The permissions of a file; `nil` when it is not there.
    package static func mode(of path: String) -> UInt32? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return status.st_mode & 0o7777
    }

    private static func write(_ bytes: [UInt8], to file: borrowing OwnedDescriptor) throws(KernelError) {
        let raw = file.raw
        var written = 0
        while written < bytes.count {
            written += try uninterrupted("write") {
                unsafe bytes.withUnsafeBytes { buffer in
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                    return unsafe Glibc.write(raw, rest.baseAddress, rest.count)
                }
            }
        }
    }
}
