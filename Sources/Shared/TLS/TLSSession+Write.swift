import COpenSSL
import NIOCore

extension TLSSession {
    /// Encrypts all of `buffers`, in order, into the wire's output. Small ones share records; big ones are encrypted
    /// where they stand. Errors: `.library`; the session is then unusable.
    func encrypt(_ buffers: [ByteBuffer], allocator: ByteBufferAllocator) throws(TLSError) {
        let total = buffers.reduce(0) { $0 + $1.readableBytes }
        guard total > 0 else { return }
        LibraryErrors.clear()
        try changeKeysIfDue()
        let records = total / TLSLimits.recordPlaintextBytes + 2
        wire.reserveOutput(total + records * TLSLimits.recordOverheadBytes, from: allocator)
        guard buffers.count > 1 else {
            for buffer in buffers { try seal(buffer) }
            return
        }
        var record = allocator.buffer(capacity: min(total, TLSLimits.recordPlaintextBytes))
        for var buffer in buffers {
            while buffer.readableBytes > 0 {
                if record.readableBytes == 0, buffer.readableBytes >= TLSLimits.encryptInPlaceBytesMin {
                    let whole = buffer.readableBytes - buffer.readableBytes % TLSLimits.recordPlaintextBytes
                    guard let slice = buffer.readSlice(length: whole) else { break }
                    try seal(slice)
                    continue
                }
                let room = TLSLimits.recordPlaintextBytes - record.readableBytes
                guard var part = buffer.readSlice(length: min(room, buffer.readableBytes)) else { break }
                record.writeBuffer(&part)
                if record.readableBytes == TLSLimits.recordPlaintextBytes {
                    try seal(record)
                    record.clear()
                }
            }
        }
        if record.readableBytes > 0 { try seal(record) }
    }

    /// Says that we send no more. The alert is in the wire's output.
    func end() {
        LibraryErrors.clear()
        _ = unsafe SSL_shutdown(pointer)
        LibraryErrors.clear()
    }

    private func seal(_ buffer: ByteBuffer) throws(TLSError) {
        guard buffer.readableBytes > 0 else { return }
        let result = unsafe buffer.withUnsafeReadableBytes { bytes in
            var written = 0
            return unsafe SSL_write_ex(pointer, bytes.baseAddress, bytes.count, &written)
        }
        // The output buffer grows as needed, so libssl has no reason to write less than all.
        guard result == 1 else { throw LibraryErrors.failure("encrypt") }
    }

    /// libssl leaves the limit of records per key to its user.
    private func changeKeysIfDue() throws(TLSError) {
        guard wire.recordsWritten >= recordsPerKeyMax else { return }
        wire.recordsWritten = 0
        // TLS 1.2 has no such change.
        guard unsafe SSL_version(pointer) == TLS1_3_VERSION else { return }
        guard unsafe SSL_key_update(pointer, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 else {
            throw LibraryErrors.failure("change keys")
        }
    }
}
