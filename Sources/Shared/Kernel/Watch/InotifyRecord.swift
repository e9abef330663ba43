import CNetlink
import Glibc

/// One event as the kernel wrote it: watch, mask, cookie, length, name. inotify(7).
struct InotifyRecord: Hashable, Sendable {
    let watch: CInt
    let mask: UInt32
    let name: String

    func has(_ flag: some BinaryInteger) -> Bool { mask & UInt32(truncatingIfNeeded: flag) != 0 }

    /// All whole records of a read; a cut one ends the list.
    static func parse(_ bytes: ArraySlice<UInt8>) -> [InotifyRecord] {
        var records: [InotifyRecord] = []
        var rest = bytes
        while rest.count >= 16 {
            let start = rest.startIndex
            let word = { (index: Int) in
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(rest[start + index * 4 + $1]) << UInt32(8 * $1) }
            }
            let length = Int(UInt32(littleEndian: word(3)))
            guard rest.count >= 16 + length else { break }
            // The kernel fills up with zero bytes.
            let name = rest[(start + 16)..<(start + 16 + length)].prefix { $0 != 0 }
            records.append(
                InotifyRecord(
                    watch: CInt(bitPattern: word(0)), mask: word(1), name: String(decoding: name, as: UTF8.self)))
            rest = rest.dropFirst(16 + length)
        }
        return records
    }
}

enum DirectoryListing {
    /// Real directories directly inside, links left out; nothing when it cannot be read any more.
    static func subdirectories(of path: String) -> [String] {
        guard let handle = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(handle) }
        var found: [String] = []
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            let child = "\(path)/\(name)"
            var status = stat()
            guard unsafe lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            found.append(child)
        }
        return found
    }
}
