import Synchronization

/// A descriptor on its way to its next owner, who may be on another thread. Closed when nobody takes it.
package final class PassedDescriptor: Sendable {
    private let held: Mutex<OwnedDescriptor?>

    package init(_ descriptor: consuming OwnedDescriptor) {
        held = Mutex(descriptor)
    }

    /// Hands it out once; `nil` from then on.
    package func take() -> OwnedDescriptor? {
        held.withLock { $0.take() }
    }

    /// Calls with the descriptor, which stays here; `nil` when it was taken.
    package func withRaw<Value>(_ body: (CInt) throws(KernelError) -> Value) throws(KernelError) -> Value? {
        try held.withLock { held throws(KernelError) -> Value? in
            switch held {
            case .some(let descriptor): try body(descriptor.raw)
            case .none: nil
            }
        }
    }
}
