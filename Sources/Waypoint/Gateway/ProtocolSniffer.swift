internal import MeshModel
internal import NIOCore

/// How the bytes of a call are treated.
enum Treatment: Hashable {
    /// By HTTP/1.1, request by request.
    case http
    /// As they are.
    case opaque
    /// By what the first bytes say.
    case detect

    /// Ports of protocols in which the server speaks first, and which rarely say so; istiod's list.
    private static let serverFirstPorts: Set<UInt16> = [25, 53, 3306, 27017]

    /// HTTP/2 is carried as it is.
    init(_ target: CallTarget) {
        switch target.applicationProtocol {
        case .tcp, .tls, .http2, .grpc: self = .opaque
        case .http11: self = .detect
        case .unknown: self = Self.serverFirstPorts.contains(target.port) ? .opaque : .detect
        }
    }
}

/// Tells HTTP/1 from everything else by the first bytes; pure.
enum ProtocolSniffer {
    /// The longest method we look for, and the space behind it.
    static let bytesMax = 32

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "PROPPATCH",
        "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH", "NOTIFY",
        "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR", "LINK", "UNLINK", "SEARCH", "SOURCE", "BIND", "REBIND",
        "UNBIND", "ACL",
    ].map { Array("\($0) ".utf8) }

    /// `nil`: more bytes are needed.
    static func treatment(of bytes: some Collection<UInt8>) -> Treatment? {
        guard !bytes.isEmpty else { return nil }
        var mayBecome = false
        for method in methods {
            if bytes.starts(with: method) { return .http }
            if bytes.count < method.count, method.starts(with: bytes) { mayBecome = true }
        }
        return mayBecome ? nil : .opaque
    }
}
