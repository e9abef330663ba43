import CNetlink
import Glibc

/// Which namespace it is: device and inode of its file. Equal for every path and descriptor that leads to it, and
/// unused again only after the namespace is gone.
package struct NamespaceIdentity: Hashable, Sendable, CustomStringConvertible {
    package let device: UInt64
    package let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package var description: String { "net:[\(inode)]" }
}

/// A network namespace held open: it exists as long as this value does. setns(2), ioctl_ns(2).
package final class NetworkNamespace: Sendable {
    private let descriptor: OwnedDescriptor
    package let identity: NamespaceIdentity

    /// The process's own namespace: that of its main thread.
    package static func home() throws(KernelError) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/self/ns/net")
    }

    /// The one in which the calling thread is now.
    @available(*, noasync)
    package static func ofCallingThread() throws(KernelError) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    /// A new one without a name: it ends with the last process in it and the last value that holds it. unshare(2).
    @available(*, noasync)
    package static func make() throws(KernelError) -> NetworkNamespace {
        let raw = unsafe Glibc.open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { throw .last("open the thread's own network namespace") }
        let origin = OwnedDescriptor(adopting: raw)
        guard apus_unshare(apus_clone_newnet) == 0 else { throw .last("unshare a network namespace") }
        defer { goBack(to: origin) }
        return try ofCallingThread()
    }

    /// Opens /proc/PID/ns/net, /run/netns/NAME or what the container runtime named, and checks that it is one.
    package convenience init(path: String) throws(KernelError) {
        // Non-blocking: the path comes from outside and may name a FIFO.
        let raw = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard raw >= 0 else { throw .last("open network namespace \(path)") }
        try self.init(checking: OwnedDescriptor(adopting: raw), path: path)
    }

    /// Takes a descriptor that came over a socket, after the same check.
    package convenience init(adopting descriptor: consuming OwnedDescriptor) throws(KernelError) {
        let raw = descriptor.raw
        try self.init(checking: descriptor, path: "descriptor \(raw)")
    }

    private init(checking descriptor: consuming OwnedDescriptor, path: String) throws(KernelError) {
        guard apus_namespace_type(descriptor.raw) == apus_clone_newnet else {
            throw .notANetworkNamespace(path: path)
        }
        var status = stat()
        guard unsafe fstat(descriptor.raw, &status) == 0 else { throw .last("stat network namespace \(path)") }
        self.identity = NamespaceIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        self.descriptor = descriptor
    }

    /// A second descriptor of this namespace, to pass on.
    package func duplicateDescriptor() throws(KernelError) -> OwnedDescriptor {
        try descriptor.duplicate()
    }

    /// Runs `body` with the calling thread in this namespace, then goes back. Sockets made inside stay there.
    /// Blocks the thread and never suspends. Errors: KernelError when the namespace cannot be entered, else body's.
    @available(*, noasync)
    package func enter<R: ~Copyable>(_ body: () throws -> R) throws -> R {
        let origin = try switchThread()
        defer { Self.goBack(to: origin) }
        return try body()
    }

    /// As `enter`, for threads that are known to be in `home` whenever they call: two system calls instead of four.
    /// Goes back to `home` in any case.
    @available(*, noasync)
    package func enter<R: ~Copyable>(from home: NetworkNamespace, _ body: () throws -> R) throws -> R {
        guard apus_setns(descriptor.raw, apus_clone_newnet) == 0 else {
            throw KernelError.last("setns to \(identity)")
        }
        defer { Self.goBack(to: home.descriptor) }
        return try body()
    }

    /// As `enter`, for bodies that fail with this room's errors only.
    @available(*, noasync)
    package func perform<R: ~Copyable>(_ body: () throws(KernelError) -> R) throws(KernelError) -> R {
        let origin = try switchThread()
        defer { Self.goBack(to: origin) }
        return try body()
    }

    private func switchThread() throws(KernelError) -> OwnedDescriptor {
        let raw = unsafe Glibc.open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { throw .last("open the thread's own network namespace") }
        let origin = OwnedDescriptor(adopting: raw)
        guard apus_setns(descriptor.raw, apus_clone_newnet) == 0 else { throw .last("setns to \(identity)") }
        return origin
    }

    private static func goBack(to origin: borrowing OwnedDescriptor) {
        // A thread left in a pod's namespace would serve other pods from there.
        precondition(apus_setns(origin.raw, apus_clone_newnet) == 0, "setns back to the thread's own namespace failed")
    }

    /// Whether IPv6 works there: the kernel has it and it is not switched off on `lo`.
    @available(*, noasync)
    package func hasIPv6() throws(KernelError) -> Bool {
        try perform { () throws(KernelError) -> Bool in
            // procfs shows the settings of the reading thread's namespace.
            guard let text = try SmallFile.read("/proc/sys/net/ipv6/conf/lo/disable_ipv6") else { return false }
            return text.first == UInt8(ascii: "0")
        }
    }
}
