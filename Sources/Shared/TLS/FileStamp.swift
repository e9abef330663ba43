import Glibc

/// Tells whether a file is still the one that was read: programs that renew certificates replace it.
struct FileStamp: Hashable {
    let path: String
    let exists: Bool
    private var device: UInt = 0
    private var inode: UInt = 0
    private var size = 0
    private var seconds = 0
    private var nanoseconds = 0

    init(_ path: String) {
        self.path = path
        var found = stat()
        exists = unsafe stat(path, &found) == 0
        guard exists else { return }
        device = UInt(found.st_dev)
        inode = UInt(found.st_ino)
        size = Int(found.st_size)
        seconds = Int(found.st_mtim.tv_sec)
        nanoseconds = Int(found.st_mtim.tv_nsec)
    }
}
