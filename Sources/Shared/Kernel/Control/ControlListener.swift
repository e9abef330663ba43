import CNetlink
import Glibc

/// A Unix socket that listens, and whose wait for a caller another thread can end.
package final class ControlListener: Sendable {
    private let socket: OwnedDescriptor
    private let wakeCounter: WakeCounter

    /// Listens at a path, as `UnixControl.listen` does.
    @available(*, noasync)
    package convenience init(path: String, kind: ControlSocketKind = .stream) throws(KernelError) {
        try self.init(adopting: UnixControl.listen(path: path, kind: kind))
    }

    /// Goes on with a socket that listens already; callers that wait in its queue are the first.
    package init(adopting socket: consuming OwnedDescriptor) throws(KernelError) {
        wakeCounter = try WakeCounter()
        self.socket = socket
    }

    /// Waits for a connection without end; `nil` after `wake`, until `rest`.
    @available(*, noasync)
    package func accept() throws(KernelError) -> OwnedDescriptor? {
        var watched = [
            pollfd(fd: wakeCounter.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0),
        ]
        _ = try uninterrupted("poll for a control connection") { unsafe poll(&watched, 2, -1) }
        guard watched[0].revents == 0 else { return nil }
        return try UnixControl.accept(on: socket, timeoutMilliseconds: 0)
    }

    /// Nobody is taken out of the queue any more.
    package func wake() { wakeCounter.raise() }

    /// Takes `wake` back.
    package func rest() { wakeCounter.clear() }

    /// A second descriptor of the same queue, for the process that takes over.
    package func duplicateDescriptor() throws(KernelError) -> OwnedDescriptor { try socket.duplicate() }
}
