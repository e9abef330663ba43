import CNetlink
import Glibc

extension UnixControl {
    /// Room for more descriptors than we accept, so that surplus ones are seen and closed. The kernel sends at most
    /// 253 (SCM_MAX_FD); what does not fit here it closes itself and says so (MSG_CTRUNC).
    private static let receivedDescriptorsMax = 16

    /// Sends all bytes, and with the first of them a copy of the descriptor. unix(7), SCM_RIGHTS.
    @available(*, noasync)
    package static func send(_ bytes: [UInt8], descriptor: CInt? = nil, over connection: borrowing OwnedDescriptor)
        throws(KernelError)
    {
        guard let descriptor else { return try connection.write(bytes) }
        guard !bytes.isEmpty else { throw .controlMessage("a descriptor needs at least one byte to travel with") }
        let socket = connection.raw
        var bytes = bytes
        let sent = try uninterrupted("sendmsg") {
            unsafe bytes.withUnsafeMutableBytes { payload in
                let space = apus_cmsg_space(MemoryLayout<CInt>.size)
                return unsafe withUnsafeTemporaryAllocation(
                    byteCount: space, alignment: MemoryLayout<cmsghdr>.alignment
                ) { control in
                    unsafe control.initializeMemory(as: UInt8.self, repeating: 0)
                    var vector = unsafe iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = space
                        if let header = unsafe apus_cmsg_first(&message) {
                            unsafe header.pointee.cmsg_level = SOL_SOCKET
                            unsafe header.pointee.cmsg_type = CInt(SCM_RIGHTS)
                            unsafe header.pointee.cmsg_len = apus_cmsg_len(MemoryLayout<CInt>.size)
                            unsafe apus_cmsg_data(header).storeBytes(of: descriptor, as: CInt.self)
                        }
                        return unsafe sendmsg(socket, &message, apus_msg_nosignal)
                    }
                }
            }
        }
        if sent < bytes.count { try connection.write(Array(bytes[sent...])) }
    }

    /// What is there, at most `bytesMax`, with at most one descriptor. A second descriptor or lost control data is
    /// an error; everything received is closed then.
    @available(*, noasync)
    package static func receive(
        bytesMax: Int, over connection: borrowing OwnedDescriptor
    ) throws(KernelError) -> ControlMessage {
        precondition(bytesMax > 0, "a receive needs room")
        let socket = connection.raw
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var flags: CInt = 0
        var received: [CInt] = []
        let count = try uninterrupted("recvmsg") {
            unsafe bytes.withUnsafeMutableBytes { payload in
                unsafe receive(into: payload, socket: socket, flags: &flags, descriptors: &received)
            }
        }
        // From here each descriptor has an owner: closed unless handed out.
        var first: OwnedDescriptor?
        var surplus = 0
        for raw in received {
            let owned = OwnedDescriptor(adopting: raw)
            if first == nil { first = consume owned } else { surplus += 1 }
        }
        guard flags & apus_msg_ctrunc == 0 else { throw .controlMessage("control data was cut off") }
        guard flags & apus_msg_trunc == 0 else { throw .controlMessage("message was cut off at \(bytesMax) bytes") }
        guard surplus == 0 else {
            throw .controlMessage("expected at most one descriptor, found \(surplus + 1)")
        }
        bytes.removeLast(bytesMax - count)
        return ControlMessage(bytes: bytes, descriptor: first)
    }

    private static func receive(
        into payload: UnsafeMutableRawBufferPointer, socket: CInt, flags: inout CInt, descriptors: inout [CInt]
    ) -> Int {
        let space = apus_cmsg_space(MemoryLayout<CInt>.size * receivedDescriptorsMax)
        return unsafe withUnsafeTemporaryAllocation(
            byteCount: space, alignment: MemoryLayout<cmsghdr>.alignment
        ) { control in
            var vector = unsafe iovec(iov_base: payload.baseAddress, iov_len: payload.count)
            return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vector
                unsafe message.msg_iovlen = 1
                unsafe message.msg_control = control.baseAddress
                unsafe message.msg_controllen = space
                let count = unsafe recvmsg(socket, &message, apus_msg_cmsg_cloexec)
                guard count >= 0 else { return count }
                flags = unsafe message.msg_flags
                var header = unsafe apus_cmsg_first(&message)
                while let current = unsafe header {
                    unsafe collect(current, into: &descriptors)
                    unsafe header = apus_cmsg_next(&message, current)
                }
                return count
            }
        }
    }

    private static func collect(_ header: UnsafeMutablePointer<cmsghdr>, into descriptors: inout [CInt]) {
        guard unsafe header.pointee.cmsg_level == SOL_SOCKET,
            unsafe header.pointee.cmsg_type == CInt(SCM_RIGHTS)
        else { return }
        let bytes = unsafe Int(header.pointee.cmsg_len) - Int(apus_cmsg_len(0))
        for index in 0..<(bytes / MemoryLayout<CInt>.size) {
            let offset = index * MemoryLayout<CInt>.size
            unsafe descriptors.append(apus_cmsg_data(header).loadUnaligned(fromByteOffset: offset, as: CInt.self))
        }
    }
}
