import CNetlink
import Glibc
import Synchronization

/// What waiting on a directory tree brought.
package enum DirectoryEvent: Hashable, Sendable {
    /// Something in the tree is different; which file does not matter, the user reads the tree again.
    case changed
    /// The kernel dropped events: read everything again.
    case overflow
    case timeout
    /// `wake()` was called: stop.
    case woken
}

/// Watches a directory and all directories below it, new ones included. inotify(7). Symbolic links below the root
/// are not followed; their replacement is seen. Events are not merged over time: its user waits for quiet.
package final class DirectoryWatch: Sendable {
    /// A guard against a tree that grows without end; each watch costs about 1 KiB of kernel memory.
    package static let directoriesMax = 8192

    private let path: String
    private let queue: OwnedDescriptor
    private let wakeCounter: WakeCounter
    private let watched = Mutex<[CInt: String]>([:])

    /// Starts watching at once: a change after this call is not missed.
    package init(directory path: String) throws(KernelError) {
        let raw = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
        guard raw >= 0 else { throw .last("inotify_init1") }
        self.queue = OwnedDescriptor(adopting: raw)
        self.wakeCounter = try WakeCounter()
        self.path = path
        try addTree(path, isRoot: true)
    }

    /// Ends a wait in another thread; `next` then says `.woken`, now and forever.
    package func wake() { wakeCounter.raise() }

    /// Waits for the next change; a negative timeout waits without end. After `.changed` new directories are
    /// already watched. Errors: `.watchedDirectoryGone` when the root is removed or moved.
    @available(*, noasync)
    package func next(timeoutMilliseconds: Int32) throws(KernelError) -> DirectoryEvent {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .milliseconds(Int(max(0, timeoutMilliseconds))))
        while true {
            var rest = timeoutMilliseconds
            if timeoutMilliseconds >= 0 {
                // Rounded up, so that the last millisecond is not spent turning.
                rest = Int32(max(0, clock.now.duration(to: deadline) / .milliseconds(1)).rounded(.up))
            }
            var waiting = [
                pollfd(fd: wakeCounter.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: queue.raw, events: Int16(POLLIN), revents: 0),
            ]
            let ready = unsafe poll(&waiting, 2, rest)
            if ready < 0, errno == EINTR { continue }
            guard ready >= 0 else { throw .last("poll for file changes") }
            if waiting[0].revents != 0 { return .woken }
            if waiting[1].revents != 0 {
                if let event = try readEvents() { return event }
                continue
            }
            return .timeout
        }
    }

    private func readEvents() throws(KernelError) -> DirectoryEvent? {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(queue.raw, $0.baseAddress, $0.count) }
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        guard count > 0 else { throw .last("read file changes") }
        var result: DirectoryEvent?
        for record in InotifyRecord.parse(buffer[..<count]) {
            if record.has(IN_Q_OVERFLOW) {
                // Directories made meanwhile may be unknown to us.
                try addTree(path, isRoot: true)
                return .overflow
            }
            guard let directory = watched.withLock({ $0[record.watch] }) else { continue }
            if record.has(IN_IGNORED) {
                _ = watched.withLock { $0.removeValue(forKey: record.watch) }
            }
            if directory == path, record.has(IN_DELETE_SELF) || record.has(IN_MOVE_SELF) || record.has(IN_IGNORED) {
                throw .watchedDirectoryGone(path: path)
            }
            if record.has(IN_ISDIR), record.has(IN_MOVED_FROM) {
                forgetTree("\(directory)/\(record.name)")
            }
            if record.has(IN_ISDIR), record.has(IN_CREATE) || record.has(IN_MOVED_TO) {
                try addTree("\(directory)/\(record.name)", isRoot: false)
            }
            result = .changed
        }
        return result
    }

    /// A directory that was moved away: its watches go on at its new place, which may be none of our business. If it
    /// is still in the tree, the event of its arrival follows.
    private func forgetTree(_ root: String) {
        let gone = watched.withLock { table in
            let gone = table.filter { $0.value == root || $0.value.hasPrefix(root + "/") }
            for watch in gone.keys { table[watch] = nil }
            return gone.keys
        }
        for watch in gone { _ = inotify_rm_watch(queue.raw, watch) }
    }

    /// Watches a directory first and lists it afterwards, so that what appears in between is either an event or
    /// in the list.
    private func addTree(_ root: String, isRoot: Bool) throws(KernelError) {
        var open = [root]
        while let directory = open.popLast() {
            let mustExist = isRoot && directory == root
            var mask: UInt32 = UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)
            mask |= UInt32(IN_CLOSE_WRITE) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
            if !mustExist { mask |= UInt32(IN_DONT_FOLLOW) }
            let watch = unsafe inotify_add_watch(queue.raw, directory, mask)
            if watch < 0 {
                // Gone again, or a link: nothing to watch.
                if !mustExist, errno == ENOENT || errno == ENOTDIR || errno == ELOOP { continue }
                throw .last("watch directory \(directory)")
            }
            let count = watched.withLock { table in
                table[watch] = directory
                return table.count
            }
            guard count <= Self.directoriesMax else {
                throw .limitReached(operation: "watch directories below \(path)", limit: Self.directoriesMax)
            }
            open += DirectoryListing.subdirectories(of: directory)
        }
    }
}
