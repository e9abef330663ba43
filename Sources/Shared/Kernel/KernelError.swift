import CNetlink
import Glibc

/// What the kernel refused, or what its answer had that we do not accept. Closed: every failure of this room is here.
package enum KernelError: Error, Sendable, Hashable {
    /// A system call failed. The operation names the call and its object.
    case system(operation: String, errno: Int32)
    /// The kernel refused a netlink message. `message` is its own explanation; empty where it gave none.
    case netlink(operation: String, errno: Int32, message: String)
    /// The path or descriptor is something else than a network namespace.
    case notANetworkNamespace(path: String)
    /// An answer could not be read: expected shape and found shape differ.
    case malformedAnswer(operation: String)
    /// Another living process owns the table; `port` is the netlink port of its socket.
    case tableOwnedByAnother(table: String, port: UInt32)
    /// A bound of this room was passed.
    case limitReached(operation: String, limit: Int)
    /// The watched directory was removed or moved away.
    case watchedDirectoryGone(path: String)
    /// The other end of a control connection broke its rules.
    case controlMessage(String)
    /// A Unix socket at that path answers: another process serves it.
    case socketInUse(path: String)
    /// The system's resolver has no address for a host, or no answer.
    case noSuchHost(host: String, reason: String)
    /// The text does not fit the kernel's structure.
    case pathTooLong(path: String, limitBytes: Int)

    /// A wait with a bound was over before anything happened.
    package var isTimeout: Bool { errno == EAGAIN }

    /// A path of a Unix socket that nobody serves, or not any more. unix(7).
    package var meansNobodyListens: Bool { errno == ENOENT || errno == ECONNREFUSED }

    /// The other end of a connection has gone.
    package var meansReset: Bool { errno == ECONNRESET || errno == EPIPE }

    /// The kernel's number where there is one.
    package var errno: Int32? {
        switch self {
        case .system(_, let errno), .netlink(_, let errno, _): return errno
        default: return nil
        }
    }
}

extension KernelError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let operation, let errno):
            return "\(operation): \(Self.text(of: errno))"
        case .netlink(let operation, let errno, let message):
            return "\(operation): \(Self.text(of: errno))" + (message.isEmpty ? "" : ": kernel says \"\(message)\"")
        case .notANetworkNamespace(let path):
            return "expected a network namespace at \(path), found another kind of file; "
                + "give a path such as /proc/PID/ns/net or /run/netns/NAME"
        case .malformedAnswer(let operation):
            return "\(operation): the kernel's answer has an unexpected shape"
        case .tableOwnedByAnother(let table, let port):
            return "nftables table inet \(table) belongs to another running process (netlink port \(port)); "
                + "stop it, or let it hand over"
        case .limitReached(let operation, let limit):
            return "\(operation): limit of \(limit) reached"
        case .watchedDirectoryGone(let path):
            return "watched directory \(path) was removed or moved away"
        case .controlMessage(let reason):
            return "control connection: \(reason)"
        case .socketInUse(let path):
            return "another process serves \(path); stop it, or choose another path"
        case .noSuchHost(let host, let reason):
            return "no address of \(host): \(reason)"
        case .pathTooLong(let path, let limit):
            return "socket path of \(path.utf8.count) bytes, at most \(limit) are possible: \(path)"
        }
    }

    private static func text(of errno: Int32) -> String {
        guard let words = unsafe strerrordesc_np(errno), let name = unsafe strerrorname_np(errno) else {
            return "error \(errno)"
        }
        return unsafe "\(String(cString: words)) (\(String(cString: name)))"
    }
}

extension KernelError {
    /// The failure that the last system call of this thread left behind.
    static func last(_ operation: String) -> KernelError {
        .system(operation: operation, errno: Glibc.errno)
    }
}
