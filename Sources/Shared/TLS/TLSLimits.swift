/// Every limit of this room.
enum TLSLimits {
    /// RFC 8446 section 5.1: plain text of one record, bytes.
    static let recordPlaintextBytes = 16_384
    /// What a TLS 1.3 record with AES-GCM adds: header 5, content type 1, tag 16.
    static let recordOverheadBytes = 22
    /// Largest plain text buffer passed up at once, bytes: big enough that the cost per buffer vanishes, small
    /// enough to stay in a second level cache between our reads and the next handler's.
    static let plaintextBufferBytesMax = 256 * 1_024
    /// Smallest plain text buffer: one small HTTP/2 frame.
    static let plaintextBufferBytesMin = 512
    /// A buffer of at least this many bytes is encrypted where it stands; smaller ones are gathered, so that records
    /// are full. Measured: 16 buffers of 9 B each before one of 16 KiB, all copied, cost 8 % more than one buffer.
    static let encryptInPlaceBytesMin = recordPlaintextBytes
    /// Output storage up to this size is kept for the next flush, so that small messages allocate nothing.
    static let outputBytesKept = 2_048
    /// Places for collected writes that are kept between flushes.
    static let pendingWritesKept = 64
    /// Bytes of certificates a peer may show: ten times a usual chain of leaf and two intermediates.
    static let peerChainBytesMax = 65_536
    /// Certificates between leaf and root.
    static let chainDepthMax: Int32 = 8
    /// OpenSSL's level 2: 112 bits, RSA from 2048 bits.
    static let securityLevel: Int32 = 2
    /// RFC 8446 section 5.5 allows 2^24.5 full records under one AES-GCM key; we change keys well before.
    static let recordsPerKeyMax = 1 << 23
    /// After a refusal the peer gets this long to read the alert and close, before we do. Closing at once with
    /// unread bytes in the socket would send a reset, which can overtake the alert.
    static let refusalLingerMilliseconds: Int64 = 1_000
}
