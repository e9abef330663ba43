internal import MeshModel
internal import NIOCore

/// How the bytes of a call are treated.
enum Treatment: Hashable {
    /// By HTTP/1.1, request by request.
    case http
    /// By HTTP/2, stream by stream.
    case http2
    /// As they are.
    case opaque
    /// By what the first bytes say.
    case detect

    /// Ports of protocols in which the server speaks first, and which rarely say so; istiod's list.
    private static let serverFirstPorts: Set<UInt16> = [25, 53, 3306, 27017]

    init(_ target: CallTarget) {
        switch target.applicationProtocol {
        case .tcp, .tls: self = .opaque
        case .http11, .http2, .grpc: self = .detect
        case .unknown: self = Self.serverFirstPorts.contains(target.port) ? .opaque : .detect
        }
    }
}

/// Tells HTTP from everything else by the first bytes; pure.
enum ProtocolSniffer {
    /// The longest method we look for, and the space behind it.
    static let bytesMax = 32

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "PROPPATCH",
        "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH", "NOTIFY",
        "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR", "LINK", "UNLINK", "SEARCH", "SOURCE", "BIND", "REBIND",
        "UNBIND", "ACL",
    ].map { Array("\($0) ".utf8) }

    /// How a client of HTTP/2 begins (RFC 9113 section 3.4): as no request of HTTP/1 does.
    private static let preface = Array("PRI * HTTP/2.0\r\n".utf8)

    /// `nil`: more bytes are needed.
    static func treatment(of bytes: some Collection<UInt8>) -> Treatment? {
        guard !bytes.isEmpty else { return nil }
        if bytes.starts(with: preface) { return .http2 }
        var mayBecome = preface.starts(with: bytes)
        for method in methods {
            if bytes.starts(with: method) { return .http }
            if bytes.count < method.count, method.starts(with: bytes) { mayBecome = true }
        }
        return mayBecome ? nil : .opaque
    }
}
