/// Why the authority or its state could not be opened. Each text says what was expected, found, and what to do.
package enum AuthorityError: Error, Hashable, Sendable {
    /// A file or directory operation failed.
    case file(operation: String, path: String, reason: String)
    /// A secret is readable by others than its owner.
    case readableByOthers(path: String, mode: Int)
    /// A directory for secrets in which others can replace files.
    case writableByOthers(path: String, mode: Int)
    /// The file exists where a new one was to be made.
    case alreadyExists(path: String)
    case tooLarge(path: String, bytes: Int, limitBytes: Int)
    /// Not PEM, not a certificate, not a key: `found` says what the parser met.
    case unreadable(path: String, expected: String, found: String)
    /// One of key and certificate is there without the other.
    case incomplete(present: String, missing: String)
    case keyDoesNotMatch(keyPath: String, certificatePath: String)
    /// A certificate that cannot sign others, or a chain that does not hold together.
    case unusableCertificate(path: String, reason: String)
    /// A change after which workloads would refuse each other.
    case breaksTrust(String)
    /// X.509 refused to make or encode something of ours.
    case encoding(String)
}

extension AuthorityError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let operation, let path, let reason):
            return "\(operation) \(path): \(reason)"
        case .readableByOthers(let path, let mode):
            return "\(path) holds a secret and must be readable by its owner only (mode 600), "
                + "but has mode \(String(mode, radix: 8)): chmod 600 \(path), and consider whether the secret leaked"
        case .writableByOthers(let path, let mode):
            return "\(path) is to hold secrets but has mode \(String(mode, radix: 8)), "
                + "so that others can replace files "
                + "in it: chmod go-w \(path), or name a directory inside it that is not there yet"
        case .alreadyExists(let path):
            return "\(path) already exists: another apusd may be using this state directory"
        case .tooLarge(let path, let bytes, let limitBytes):
            return "\(path) has \(bytes) bytes, at most \(limitBytes) are read: is it the right file?"
        case .unreadable(let path, let expected, let found):
            return "\(path): expected \(expected), found \(found)"
        case .incomplete(let present, let missing):
            return "\(present) is there but \(missing) is missing: put the missing file back, "
                + "or remove both to start with a new authority (all workloads then need new certificates)"
        case .keyDoesNotMatch(let keyPath, let certificatePath):
            return "the key in \(keyPath) does not belong to the first certificate in \(certificatePath): "
                + "put the pair back that belongs together"
        case .unusableCertificate(let path, let reason):
            return "\(path): \(reason)"
        case .breaksTrust(let reason):
            return "the authority is not changed: \(reason)"
        case .encoding(let reason):
            return "cannot make a certificate: \(reason)"
        }
    }
}

/// Why a signing request was refused.
package enum IssueRefusal: Error, Hashable, Sendable {
    case requestTooLarge(bytes: Int, limitBytes: Int)
    case notARequest(String)
    /// The request is not signed by the key it names: no proof of possession.
    case badSignature
    case unsupportedKey(String)
    case lifetimeTooLong(requestedSeconds: Int64, limitSeconds: Int64)
    /// Nothing can be signed any more.
    case authorityExpired
    case encoding(String)

    /// Whether the caller is to blame (as opposed to this control plane).
    package var isCallersFault: Bool {
        switch self {
        case .requestTooLarge, .notARequest, .badSignature, .unsupportedKey, .lifetimeTooLong: return true
        case .authorityExpired, .encoding: return false
        }
    }
}

extension IssueRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .requestTooLarge(let bytes, let limitBytes):
            return "signing request has \(bytes) bytes, at most \(limitBytes) are read"
        case .notARequest(let reason):
            return "expected a PEM certificate signing request: \(reason)"
        case .badSignature:
            return "the signing request is not signed by the key it names"
        case .unsupportedKey(let found):
            return "expected a P-256 or P-384 key or RSA of at least 2048 bits, found \(found)"
        case .lifetimeTooLong(let requestedSeconds, let limitSeconds):
            return "requested lifetime of \(requestedSeconds) s is above the limit of \(limitSeconds) s"
        case .authorityExpired:
            return "the authority's own certificate has expired: replace ca.key and ca.crt in the state directory"
        case .encoding(let reason):
            return "cannot make the certificate: \(reason)"
        }
    }
}
