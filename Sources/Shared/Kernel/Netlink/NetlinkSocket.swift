import CNetlink
import Glibc

/// A netlink socket, bound in the namespace of the thread that opened it. The kernel works on a request while it is
/// sent, so answers are waiting when send returns. netlink(7).
struct NetlinkSocket: ~Copyable {
    enum Bus: CInt {
        case route = 0
        case netfilter = 12
    }

    /// Datagrams of dumps have at most 32 KiB.
    private static let receiveBytesMax = 64 * 1024
    /// Longer than the kernel ever takes; a missing answer must not hang the control thread for good.
    private static let answerTimeoutSeconds = 10
    /// Messages of one dump: a pod has dozens, a large node some hundred thousand routes.
    private static let dumpMessagesMax = 1_000_000
    /// A dump that changes while it is read is read again.
    private static let dumpAttemptsMax = 5
    private static let addressBytes = socklen_t(MemoryLayout<sockaddr_nl>.size)

    private let descriptor: OwnedDescriptor
    /// The number by which the kernel knows this socket (owner of a table).
    let port: UInt32
    private var sequence: UInt32

    /// Opens and binds in the calling thread's namespace; the kernel chooses the port.
    static func open(_ bus: Bus) throws(KernelError) -> NetlinkSocket {
        let raw = Glibc.socket(AF_NETLINK, apus_sock_raw | apus_sock_cloexec, bus.rawValue)
        guard raw >= 0 else { throw .last("open netlink socket (\(bus))") }
        let descriptor = OwnedDescriptor(adopting: raw)
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(raw, $0, addressBytes)
            }
        }
        guard bound == 0 else { throw .last("bind netlink socket (\(bus))") }
        return try NetlinkSocket(descriptor, sequence: 0)
    }

    /// Goes on with a socket that another process opened and passed on.
    static func adopt(_ descriptor: consuming OwnedDescriptor) throws(KernelError) -> NetlinkSocket {
        // Far from the predecessor's numbers: what it did not read must not pass for an answer to us.
        try NetlinkSocket(descriptor, sequence: .random(in: 1 << 24 ... 1 << 31))
    }

    private init(_ descriptor: consuming OwnedDescriptor, sequence: UInt32) throws(KernelError) {
        let port = try Self.port(of: descriptor.raw)
        try Self.configure(descriptor.raw)
        self.port = port
        self.sequence = sequence
        self.descriptor = descriptor
    }

    private static func port(of raw: CInt) throws(KernelError) -> UInt32 {
        var address = sockaddr_nl()
        var length = addressBytes
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(raw, $0, &length)
            }
        }
        guard result == 0 else { throw .last("ask for the port of a netlink socket") }
        guard address.nl_family == sa_family_t(AF_NETLINK), address.nl_pid != 0 else {
            throw .controlMessage("the socket is no netlink socket that is bound")
        }
        return address.nl_pid
    }

    private static func configure(_ raw: CInt) throws(KernelError) {
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // Explanations are a help, not a need: an old kernel may refuse.
        _ = unsafe setsockopt(raw, SOL_NETLINK, NETLINK_EXT_ACK, &on, size)
        _ = unsafe setsockopt(raw, SOL_NETLINK, NETLINK_CAP_ACK, &on, size)
        var time = timeval(tv_sec: answerTimeoutSeconds, tv_usec: 0)
        guard unsafe setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size)) == 0
        else { throw .last("set the answer timeout of a netlink socket") }
    }

    func duplicateDescriptor() throws(KernelError) -> OwnedDescriptor { try descriptor.duplicate() }

    /// One request with acknowledgement.
    mutating func request(_ message: NetlinkMessage) throws(KernelError) {
        let number = nextSequence()
        try send(message.encoded(sequence: number), operation: message.label)
        while true {
            for answer in try receive(operation: message.label) where answer.sequence == number {
                guard case .status(let errno, let text) = answer.kind else { continue }
                guard errno == 0 else {
                    throw .netlink(operation: message.label, errno: errno, message: text)
                }
                return
            }
        }
    }

    /// Several requests between a begin and an end mark: the kernel does all or nothing. Each message is
    /// acknowledged; the first refusal is thrown under that message's label.
    mutating func batch(
        _ messages: [NetlinkMessage], begin: NetlinkMessage, end: NetlinkMessage
    ) throws(KernelError) {
        let first = nextSequence()
        var bytes = begin.encoded(sequence: first)
        for message in messages { bytes += message.encoded(sequence: nextSequence()) }
        bytes += end.encoded(sequence: nextSequence())
        try send(bytes, operation: begin.label)
        var refusal: KernelError?
        var missing = messages.count
        while missing > 0 {
            let answers: [NetlinkAnswer]
            do throws(KernelError) {
                answers = try receive(operation: begin.label)
            } catch {
                // After a refusal the kernel need not answer for every message.
                throw refusal ?? error
            }
            for answer in answers {
                let index = Int(answer.sequence &- first)
                guard case .status(let errno, let text) = answer.kind, index <= messages.count else { continue }
                if errno != 0, refusal == nil {
                    let label = index == 0 ? begin.label : messages[index - 1].label
                    refusal = .netlink(operation: label, errno: errno, message: text)
                }
                // The begin mark is answered only when the batch as a whole failed.
                missing = index == 0 ? 0 : missing - 1
            }
            if refusal != nil, !hasMoreAnswers() { missing = 0 }
        }
        if let refusal { throw refusal }
    }

    /// Reads a dump; `element` sees the type and body of each message. When the table changed meanwhile, `restart`
    /// is called and the dump begins anew.
    mutating func dump(
        _ message: NetlinkMessage, restart: () -> Void,
        element: (UInt16, [UInt8]) throws(KernelError) -> Void
    ) throws(KernelError) {
        for _ in 0..<Self.dumpAttemptsMax {
            restart()
            if try dumpOnce(message, element: element) { return }
        }
        throw .limitReached(operation: "\(message.label): it changes all the time", limit: Self.dumpAttemptsMax)
    }

    private mutating func dumpOnce(
        _ message: NetlinkMessage, element: (UInt16, [UInt8]) throws(KernelError) -> Void
    ) throws(KernelError) -> Bool {
        let number = nextSequence()
        try send(message.encoded(sequence: number), operation: message.label)
        var count = 0
        var consistent = true
        while true {
            for answer in try receive(operation: message.label) where answer.sequence == number {
                if answer.interrupted { consistent = false }
                switch answer.kind {
                case .status(let errno, let text):
                    guard errno == 0 else {
                        throw .netlink(operation: message.label, errno: errno, message: text)
                    }
                case .done(let errno):
                    if errno == EINTR { return false }
                    guard errno == 0 else { throw .netlink(operation: message.label, errno: errno, message: "") }
                    return consistent
                case .content:
                    count += 1
                    guard count <= Self.dumpMessagesMax else {
                        throw .limitReached(operation: message.label, limit: Self.dumpMessagesMax)
                    }
                    try element(answer.type, answer.body)
                case .nothing:
                    break
                }
            }
        }
    }

    private mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    /// Without a receiver, which is the kernel then.
    private func send(_ bytes: [UInt8], operation: String) throws(KernelError) {
        let sent = try uninterrupted("\(operation): send to netlink") {
            unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor.raw, $0.baseAddress, $0.count, 0) }
        }
        guard sent == bytes.count else { throw .malformedAnswer(operation: "\(operation): short send") }
    }

    private func receive(operation: String) throws(KernelError) -> [NetlinkAnswer] {
        var buffer = [UInt8](repeating: 0, count: Self.receiveBytesMax)
        let count = try uninterrupted("\(operation): receive from netlink") {
            // With this flag a datagram that does not fit tells its own length.
            unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.recv(descriptor.raw, $0.baseAddress, $0.count, apus_msg_trunc)
            }
        }
        guard count > 0, count <= buffer.count, let answers = NetlinkAnswer.parse(buffer[..<count]) else {
            throw .malformedAnswer(operation: operation)
        }
        return answers
    }

    private func hasMoreAnswers() -> Bool {
        var waiting = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, 0) > 0
    }
}
