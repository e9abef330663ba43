import CNetlink
import Glibc

/// Who is at the other end of a Unix socket, as the kernel saw it at connect. unix(7), SO_PEERCRED.
package struct PeerCredentials: Hashable, Sendable {
    package let processID: Int32
    package let userID: UInt32
    package let groupID: UInt32
}

/// What one receive brought.
package struct ControlMessage: ~Copyable, Sendable {
    /// Empty when the peer closed.
    package let bytes: [UInt8]
    /// The descriptor that came along, close-on-exec.
    private let descriptor: OwnedDescriptor?

    init(bytes: [UInt8], descriptor: consuming OwnedDescriptor?) {
        self.bytes = bytes
        self.descriptor = descriptor
    }

    package var hasDescriptor: Bool { descriptor != nil }

    /// Hands it out; left here it is closed with the message.
    package consuming func takeDescriptor() -> OwnedDescriptor? { descriptor }
}

/// How messages travel on a Unix socket.
package enum ControlSocketKind: Hashable, Sendable {
    /// Bytes without boundaries.
    case stream
    /// Whole messages, in order (SOCK_SEQPACKET); Istio's node agent speaks this way.
    case packets
}

/// AF_UNIX sockets between our own processes; blocking. A message is bytes and at most one descriptor. The
/// framing of the bytes is their user's.
package enum UnixControl {
    /// sun_path with its ending zero.
    private static let pathBytesMax = 107

    /// Listens at a path: makes the parent directory (0700) and takes the place of a dead socket; a living one is
    /// `.socketInUse`. The socket has mode 0600.
    @available(*, noasync)
    package static func listen(
        path: String, kind: ControlSocketKind = .stream, backlog: Int32 = 16
    ) throws(KernelError) -> OwnedDescriptor {
        try makeParentDirectory(of: path)
        try expectNobodyServes(path, kind)
        let socket = try open(kind)
        // Bound under a private name and renamed when its mode is right: never reachable by others in between.
        let fresh = "\(path).\(getpid())"
        _ = unsafe unlink(fresh)
        unsafe try call("bind \(fresh)", socket, path: fresh) { unsafe Glibc.bind($0, $1, $2) }
        do throws(KernelError) {
            guard unsafe chmod(fresh, 0o600) == 0 else { throw .last("chmod \(fresh)") }
            guard Glibc.listen(socket.raw, backlog) == 0 else { throw .last("listen on \(path)") }
            guard unsafe rename(fresh, path) == 0 else { throw .last("rename \(fresh) to \(path)") }
        } catch {
            _ = unsafe unlink(fresh)
            throw error
        }
        return socket
    }

    /// Waits for a connection, at most that long (negative: without end; ETIMEDOUT when it passed).
    @available(*, noasync)
    package static func accept(
        on listener: borrowing OwnedDescriptor, timeoutMilliseconds: Int32 = -1
    ) throws(KernelError) -> OwnedDescriptor {
        var watched = pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0)
        let ready = try uninterrupted("poll for a control connection") {
            unsafe poll(&watched, 1, timeoutMilliseconds)
        }
        guard ready > 0 else { throw .system(operation: "wait for a control connection", errno: ETIMEDOUT) }
        let raw = try uninterrupted("accept") { apus_accept4(listener.raw, apus_sock_cloexec) }
        return OwnedDescriptor(adopting: raw)
    }

    /// The user that this process acts as.
    package static var ownUserID: UInt32 { geteuid() }

    /// Process, user and group at the other end.
    package static func peerCredentials(
        of connection: borrowing OwnedDescriptor
    ) throws(KernelError) -> PeerCredentials {
        var value = apus_credentials()
        var length = socklen_t(MemoryLayout<apus_credentials>.size)
        guard unsafe getsockopt(connection.raw, SOL_SOCKET, SO_PEERCRED, &value, &length) == 0,
            length == socklen_t(MemoryLayout<apus_credentials>.size)
        else { throw .last("SO_PEERCRED") }
        return PeerCredentials(processID: value.process, userID: value.user, groupID: value.group)
    }

    /// `timeoutMilliseconds` holds for later sends and receives too (EAGAIN); nil waits without end.
    @available(*, noasync)
    package static func connect(
        path: String, kind: ControlSocketKind = .stream, timeoutMilliseconds: Int? = nil
    ) throws(KernelError) -> OwnedDescriptor {
        let socket = try open(kind)
        if let timeoutMilliseconds { try socket.setReceiveTimeout(milliseconds: timeoutMilliseconds) }
        unsafe try call("connect to \(path)", socket, path: path) { unsafe Glibc.connect($0, $1, $2) }
        return socket
    }

    private static func open(_ kind: ControlSocketKind) throws(KernelError) -> OwnedDescriptor {
        let number = kind == .stream ? apus_sock_stream : apus_sock_seqpacket
        let raw = Glibc.socket(AF_UNIX, number | apus_sock_cloexec, 0)
        guard raw >= 0 else { throw .last("open a Unix socket") }
        return OwnedDescriptor(adopting: raw)
    }

    private static func makeParentDirectory(of path: String) throws(KernelError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let parent = String(path[..<slash])
        guard unsafe mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw .last("make directory \(parent)") }
    }

    /// Passes when nothing is there or a socket that nobody listens on any more, which is replaced then.
    private static func expectNobodyServes(_ path: String, _ kind: ControlSocketKind) throws(KernelError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .controlMessage("expected a socket or nothing at \(path), found another kind of file")
        }
        do throws(KernelError) {
            _ = try connect(path: path, kind: kind, timeoutMilliseconds: 1000)
        } catch {
            // Only a refused connection proves that nobody listens any more.
            guard error.meansNobodyListens else { throw error }
            return
        }
        throw .socketInUse(path: path)
    }

    private static func call(
        _ operation: String, _ socket: borrowing OwnedDescriptor, path: String,
        _ body: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(KernelError) {
        let text = Array(path.utf8)
        guard text.count <= pathBytesMax, !text.contains(0) else {
            throw .pathTooLong(path: path, limitBytes: pathBytesMax)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: text) }
        let raw = socket.raw
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe body(raw, generic, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw .last(operation) }
    }
}
