import Glibc

/// A file descriptor with one owner: closed exactly once, at the latest when its owner goes away.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// For system calls and for NIO; stays ours.
    package let raw: CInt

    /// Takes over a descriptor which nobody else will close.
    package init(adopting raw: CInt) {
        precondition(raw >= 0, "a descriptor is not negative")
        self.raw = raw
    }

    /// Gives the descriptor to a new owner (NIO), who must close it.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }

    package consuming func close() {}

    /// A second descriptor of the same open file, close-on-exec.
    package func duplicate() throws(KernelError) -> OwnedDescriptor {
        try Self.duplicate(of: raw)
    }

    /// As `duplicate`, of a descriptor that somebody else owns and keeps open meanwhile.
    package static func duplicate(of raw: CInt) throws(KernelError) -> OwnedDescriptor {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .last("duplicate descriptor \(raw)") }
        return OwnedDescriptor(adopting: copy)
    }

    deinit {
        // Linux frees the number even when close reports an error, so there is nothing to repeat.
        _ = Glibc.close(raw)
    }
}

/// A system call's result as a value: repeated while a signal interrupts it.
func uninterrupted<Result: SignedInteger>(_ operation: String, _ call: () -> Result) throws(KernelError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        guard errno == EINTR else { throw .last(operation) }
    }
}
