import COpenSSL
import Glibc
import NIOCore

/// The wire as libssl sees it: a BIO that reads from received buffers where they stand and appends to one output
/// buffer. Lives as long as the session that owns it.
final class CiphertextBIO {
    /// Received and not yet read by libssl. Nearly always one buffer: a session reads it empty at once.
    private var current = ByteBuffer()
    private var following = CircularBuffer<ByteBuffer>()
    /// Bytes in `current` and `following`.
    private(set) var unreadBytes = 0
    /// Bytes libssl took since it last gave plain text: the part of a record that waits for its rest.
    private(set) var bytesInProgress = 0

    /// Encrypted and not yet taken.
    private var output = ByteBuffer()
    /// The taken output while the channel writes it.
    private var handedOver = ByteBuffer()
    /// Records written since the last change of keys.
    var recordsWritten = 0

    var hasOutput: Bool { output.readableBytes > 0 }

    func receive(_ buffer: ByteBuffer) {
        unreadBytes += buffer.readableBytes
        if current.readableBytes == 0 {
            current = buffer
        } else {
            following.append(buffer)
        }
    }

    func noteRecordFinished() { bytesInProgress = 0 }

    /// Storage for at least `bytes` more, so that encrypting never moves what is already encrypted.
    func reserveOutput(_ bytes: Int, from allocator: ByteBufferAllocator) {
        if output.storageCapacity == 0 {
            output = allocator.buffer(capacity: bytes)
        } else {
            output.reserveCapacity(minimumWritableBytes: bytes)
        }
    }

    /// What was encrypted since the last call. More may be encrypted before `outputHandedOver`: a write can complete
    /// at once, and its promise can cause the next.
    func takeOutput() -> ByteBuffer {
        let taken = output
        output = ByteBuffer()
        // Small storage is kept for the next flush; big storage goes back to the allocator.
        if taken.storageCapacity <= TLSLimits.outputBytesKept { handedOver = taken }
        return taken
    }

    /// The channel has what was taken.
    func outputHandedOver() {
        guard handedOver.storageCapacity > 0 else { return }
        if output.storageCapacity == 0 {
            swap(&output, &handedOver)
            // Keeps the storage if the channel has sent everything and holds no reference any more.
            output.clear()
        } else {
            handedOver = ByteBuffer()
        }
    }

    fileprivate func read(into target: UnsafeMutableRawPointer, count: Int) -> Int {
        guard unreadBytes > 0 else { return 0 }
        let taken = min(count, current.readableBytes)
        unsafe current.readWithUnsafeReadableBytes { source in
            if let start = source.baseAddress { unsafe memcpy(target, start, taken) }
            return taken
        }
        unreadBytes -= taken
        bytesInProgress += taken
        if current.readableBytes == 0 { current = following.popFirst() ?? ByteBuffer() }
        return taken
    }

    fileprivate func write(_ source: UnsafeRawBufferPointer) {
        recordsWritten += 1
        unsafe output.writeBytes(source)
    }
}

extension CiphertextBIO {
    /// A BIO on this object, which must outlive it.
    func makeBIO() -> OpaquePointer? {
        guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else { return nil }
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    /// Why sound to share: written once before first use, read only afterwards.
    private nonisolated(unsafe) static let method: OpaquePointer? = unsafe makeMethod()

    private static func makeMethod() -> OpaquePointer? {
        let kind = BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK)
        guard let method = unsafe BIO_meth_new(kind, "channel buffers") else { return nil }
        unsafe BIO_meth_set_read(method) { bio, target, count in
            guard let bio = unsafe bio, let target = unsafe target, let wire = unsafe CiphertextBIO.owner(of: bio),
                count > 0
            else { return -1 }
            let taken = unsafe wire.read(into: target, count: Int(count))
            guard taken == 0 else { return Int32(taken) }
            unsafe BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            return -1
        }
        unsafe BIO_meth_set_write(method) { bio, source, count in
            guard let bio = unsafe bio, let source = unsafe source, let wire = unsafe CiphertextBIO.owner(of: bio),
                count > 0
            else { return -1 }
            unsafe wire.write(UnsafeRawBufferPointer(start: source, count: Int(count)))
            return count
        }
        unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Everything else that libssl may ask (is it a socket, can it send a kernel record) is answered with no.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return unsafe method
    }

    private static func owner(of bio: OpaquePointer) -> CiphertextBIO? {
        unsafe BIO_get_data(bio).map { unsafe Unmanaged<CiphertextBIO>.fromOpaque($0).takeUnretainedValue() }
    }
}
