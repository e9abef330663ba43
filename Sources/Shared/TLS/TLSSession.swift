import COpenSSL
import MeshModel
import NIOCore

/// One TLS connection without its channel: bytes in, bytes out. Owned by one handler, used on its loop only.
///
/// Duties: holds libssl's SSL and the BIO it works on, drains the error queue on every failure, never gives plain
/// text before the peer is verified (libssl gives none before the handshake is finished, and that verifies).
@safe final class TLSSession {
    enum HandshakeStep: Hashable {
        case finished(Verified)
        case needsMore
        case failed(TLSError)
    }

    /// Whom a session is for.
    enum Party {
        case member(TLSContext, PeerExpectation)
        case origin(OriginContext, OriginExpectation)
    }

    /// Who is at the other end of a finished handshake.
    enum Verified: Hashable {
        case member(VerifiedPeer)
        case origin(VerifiedOrigin)
    }

    /// What follows after a read.
    enum AfterRead: Hashable {
        /// There is more to read at once.
        case more
        case waitForWire
        /// The peer said that it sends no more (close_notify).
        case ended
        case failed(TLSError)
    }

    let wire = CiphertextBIO()
    let pointer: OpaquePointer
    /// Lives as long as the session.
    private let party: Party
    private let check: Check
    let recordsPerKeyMax: Int

    private enum Check {
        case member(PeerCheck)
        case origin(OriginCheck)
    }

    init(_ party: Party, recordsPerKeyMax: Int) throws(TLSError) {
        self.party = party
        self.recordsPerKeyMax = recordsPerKeyMax
        let context: OpaquePointer
        switch party {
        case .member(let own, let expectation):
            unsafe context = own.pointer
            check = .member(PeerCheck(expectation, own.authorities))
        case .origin(let own, let expectation):
            unsafe context = own.pointer
            check = .origin(OriginCheck(expectation, isUnverified: own.isUnverified))
        }
        guard let pointer = unsafe SSL_new(context) else { throw LibraryErrors.failure("make a TLS session") }
        unsafe self.pointer = pointer
        guard let bio = unsafe wire.makeBIO() else { throw LibraryErrors.failure("make a BIO") }
        // Takes the one reference, for both directions.
        unsafe SSL_set_bio(pointer, bio, bio)
        switch check {
        case .member(let check): unsafe _ = apus_SSL_set_app_data(pointer, Unmanaged.passUnretained(check).toOpaque())
        case .origin(let check): try unsafe check.prepare(pointer)
        }
        if case .member(let context, _) = party, context.role == .server {
            unsafe SSL_set_accept_state(pointer)
        } else {
            unsafe SSL_set_connect_state(pointer)
        }
    }

    deinit { unsafe SSL_free(pointer) }

    func handshake() -> HandshakeStep {
        LibraryErrors.clear()
        let result = unsafe SSL_do_handshake(pointer)
        guard result != 1 else { return finished() }
        if unsafe SSL_get_error(pointer, result) == SSL_ERROR_WANT_READ { return .needsMore }
        let reported = LibraryErrors.peerFailure()
        return .failed(refusal ?? reported)
    }

    private var refusal: TLSError? {
        switch check {
        case .member(let check): check.refusal
        case .origin(let check): check.refusal
        }
    }

    private func finished() -> HandshakeStep {
        switch check {
        case .member(let check):
            guard let peer = check.peer else { return .failed(.noPeerCertificate) }
            return .finished(.member(peer))
        case .origin(let check):
            switch unsafe check.outcome(of: pointer) {
            case .success(let origin): return .finished(.origin(origin))
            case .failure(let error): return .failed(error)
            }
        }
    }

    /// The peer may end its side alone. Members never do: their streams have ends of their own.
    var endsByHalves: Bool {
        if case .origin = party { true } else { false }
    }

    /// The next plain text, as much as there is up to `TLSLimits.plaintextBufferBytesMax`, and what follows it.
    func read(allocator: ByteBufferAllocator) -> (plaintext: ByteBuffer?, then: AfterRead) {
        guard hasUnread else { return (nil, .waitForWire) }
        LibraryErrors.clear()
        // Cipher text bounds plain text, so a buffer of this size holds all there is: small for an idle connection,
        // big for a busy one, and none is kept.
        let available = max(wire.unreadBytes + wire.bytesInProgress, Int(unsafe SSL_pending(pointer)))
        let wanted = max(available, TLSLimits.plaintextBufferBytesMin)
        var plaintext = allocator.buffer(capacity: min(wanted, TLSLimits.plaintextBufferBytesMax))
        repeat {
            var result: Int32 = 0
            _ = unsafe plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { target in
                var count = 0
                result = unsafe SSL_read_ex(pointer, target.baseAddress, target.count, &count)
                return count
            }
            guard result == 1 else {
                return (plaintext.readableBytes > 0 ? plaintext : nil, afterFailedRead(result))
            }
            if unsafe SSL_pending(pointer) == 0 { wire.noteRecordFinished() }
            // Asking once more only to hear "want read" would cost as much as a small record.
        } while plaintext.writableBytes > 0 && hasUnread
        return (plaintext, hasUnread ? .more : .waitForWire)
    }

    private var hasUnread: Bool {
        unsafe wire.unreadBytes > 0 || SSL_has_pending(pointer) == 1
    }

    private func afterFailedRead(_ result: Int32) -> AfterRead {
        switch unsafe SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: .waitForWire
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed(LibraryErrors.peerFailure())
        }
    }
}
