import CNetlink
import Glibc

/// Ends a poll in another thread: readable from the first `raise` until `clear`. eventfd(2).
struct WakeCounter: ~Copyable, Sendable {
    private let counter: OwnedDescriptor

    init() throws(KernelError) {
        let raw = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        guard raw >= 0 else { throw .last("eventfd") }
        counter = OwnedDescriptor(adopting: raw)
    }

    /// To be polled for POLLIN.
    var raw: CInt { counter.raw }

    func raise() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(counter.raw, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(counter.raw, &count, MemoryLayout<UInt64>.size)
    }
}
