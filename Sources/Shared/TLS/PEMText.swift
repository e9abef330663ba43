import COpenSSL

/// PEM in and out of memory.
enum PEMText {
    /// What `body` writes to a memory BIO, as text. `body` returns 1 for success.
    static func write(_ body: (OpaquePointer) -> Int32) throws(TLSError) -> String {
        guard let output = unsafe BIO_new(BIO_s_mem()) else { throw LibraryErrors.failure("make a memory buffer") }
        defer { unsafe BIO_free_all(output) }
        guard unsafe body(output) == 1 else { throw LibraryErrors.failure("write PEM") }
        return unsafe text(in: output)
    }

    /// Bytes gathered in a memory BIO.
    static func text(in memory: OpaquePointer) -> String {
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe apus_BIO_get_mem_data(memory, &start)
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: max(0, count))
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// Every certificate in a PEM text, in order. Text between them is skipped, as libcrypto does.
    static func certificates(in text: String) throws(TLSError) -> [Certificate] {
        var text = text
        guard let input = text.withUTF8({ unsafe memory($0) }) else {
            throw LibraryErrors.failure("make a memory buffer")
        }
        defer { unsafe BIO_free_all(input) }
        var found: [Certificate] = []
        while let pointer = unsafe PEM_read_bio_X509(input, nil, nil, nil) {
            unsafe found.append(Certificate(owning: pointer))
        }
        // The last read always fails: at the end of the text with "no start line", before it with a real fault.
        if let entry = LibraryErrors.drain(), entry.reason != PEM_R_NO_START_LINE {
            throw .library(operation: "read PEM", reason: entry.text)
        }
        return found
    }

    /// A memory BIO with a copy of `bytes`: BIO_new_mem_buf would borrow them beyond this call.
    private static func memory(_ bytes: UnsafeBufferPointer<UInt8>) -> OpaquePointer? {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return nil }
        guard unsafe bytes.isEmpty || BIO_write(memory, bytes.baseAddress, Int32(clamping: bytes.count)) == bytes.count
        else {
            unsafe BIO_free_all(memory)
            return nil
        }
        return unsafe memory
    }
}
