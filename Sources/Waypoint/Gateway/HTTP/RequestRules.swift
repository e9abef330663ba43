internal import NIOHTTP1

/// What makes a request ambiguous or unfit to be passed on, beyond what the parser refuses; pure. Whoever reads the
/// message after us must find the same request in it. Source: RFC 9112 sections 3.2, 6.1 and 6.3.
enum RequestRules {
    /// `nil`: nothing is wrong.
    static func fault(in head: HTTPRequestHead) -> LocalReply? {
        guard head.version == .http1_1 else {
            return LocalReply(
                status: 426, body: "HTTP/1.1 is required", flag: "DPE", details: "low_version")
        }
        guard head.method != .CONNECT else {
            return LocalReply(status: 405, body: "CONNECT is not served", flag: "-", details: "connect_refused")
        }
        guard head.headers["host"].count == 1 else { return .malformed("exactly one Host is needed") }
        return framing(head.headers) ?? values(head.headers)
    }

    private static func framing(_ headers: HTTPHeaders) -> LocalReply? {
        let (encodings, lengths) = (headers["transfer-encoding"], headers["content-length"])
        if !encodings.isEmpty {
            guard lengths.isEmpty else { return .malformed("both Transfer-Encoding and Content-Length") }
            guard encodings.count == 1, encodings[0].lowercased() == "chunked" else {
                return .malformed("Transfer-Encoding is not chunked")
            }
        }
        guard lengths.count <= 1 else { return .malformed("more than one Content-Length") }
        if let length = lengths.first {
            let isNumber = !length.isEmpty && length.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, Int(length) != nil else { return .malformed("Content-Length is no number") }
        }
        return nil
    }

    private static func values(_ headers: HTTPHeaders) -> LocalReply? {
        for (_, value) in headers {
            let isLegal = value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
            guard isLegal else { return .malformed("a control character in a header") }
        }
        return nil
    }
}
