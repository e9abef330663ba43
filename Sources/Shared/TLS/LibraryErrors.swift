import COpenSSL

/// libssl's error queue: one per thread, filled by any failing call. Every failure drains it, so that
/// one connection's error is never read as another's.
enum LibraryErrors {
    struct Entry {
        let library: Int32
        let reason: Int32
        let text: String
    }

    /// Looks first: clearing costs as much as a tenth of a small record, and the queue is nearly always empty.
    static func clear() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The first error since the last drain, which is the cause; the rest are its consequences.
    static func drain() -> Entry? {
        let code = ERR_get_error()
        guard code != 0 else { return nil }
        ERR_clear_error()
        let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
        return Entry(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: text ?? "error \(code)")
    }

    /// The failure of a call of ours, as an error to throw.
    static func failure(_ operation: String) -> TLSError {
        .library(operation: operation, reason: drain()?.text ?? "no reason given")
    }

    /// libssl reports a received alert as reason 1000 + code.
    private static let alertReasonBase: Int32 = 1_000

    /// The failure of a handshake or of a read, as the fault it stands for.
    static func peerFailure() -> TLSError {
        guard let entry = drain() else { return .protocolViolation(reason: "no reason given") }
        guard entry.library == Int32(ERR_LIB_SSL) else {
            return .protocolViolation(reason: entry.text)
        }
        switch entry.reason {
        case Int32(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE): return .noPeerCertificate
        case Int32(SSL_R_NO_APPLICATION_PROTOCOL): return .noCommonProtocol
        case alertReasonBase...(alertReasonBase + 255):
            let name = TLSAlert.name(of: UInt8(truncatingIfNeeded: entry.reason - alertReasonBase))
            return .alertReceived(name)
        default: return .protocolViolation(reason: entry.text)
        }
    }
}

extension TLSAlert {
    static func name(of code: UInt8) -> TLSAlert {
        let text = unsafe SSL_alert_desc_string_long(Int32(code)).map { unsafe String(cString: $0) }
        return TLSAlert(code: code, name: text ?? "unknown")
    }
}
