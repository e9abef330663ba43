internal import MeshModel
internal import NIOHTTP1
internal import WaypointRoute

/// What makes a request of HTTP/1.1 ambiguous or unfit to be passed on, beyond what the parser refuses; pure. Whoever
/// reads the message after us must find the same request in it. Source: RFC 9112 sections 3.2, 6.1 and 6.3.
enum RequestRules {
    /// Fields of one head.
    static let fieldsMax = 100
    /// Names and values of one head together, as Envoy's default.
    static let fieldBytesMax = 60 * 1024

    /// The request in a head, its path made plain.
    static func message(_ head: HTTPRequestHead) throws(LocalReply) -> RequestMessage {
        guard head.version == .http1_1 else {
            throw LocalReply(status: 426, body: "HTTP/1.1 is required", flag: "DPE", details: "low_version")
        }
        guard head.method != .CONNECT else {
            throw LocalReply(status: 405, body: "CONNECT is not served", details: "connect_refused")
        }
        let headers = try fields(head.headers)
        let hosts = head.headers["host"]
        guard hosts.count == 1, let host = hosts.first else { throw .malformed("exactly one Host is needed") }
        let framing = try framing(head.headers)
        let request: RequestHead
        do throws(RequestError) {
            let target = try target(head.uri, host: host)
            request = RequestHead(
                method: try RequestMethod(head.method.rawValue.utf8), scheme: .http,
                authority: try RequestAuthority(target.authority.utf8), path: try RequestPath(target.path.utf8),
                headers: headers)
        } catch {
            throw .invalid(error)
        }
        return RequestMessage(
            head: request, framing: framing, upgrade: upgrade(in: head.headers),
            isLast: head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" },
            version: "\(head.version)")
    }

    /// The protocol that a message changes to, or asks for.
    static func upgrade(in headers: HTTPHeaders) -> String? {
        let tokens = headers[canonicalForm: "connection"]
        guard tokens.contains(where: { $0.lowercased() == "upgrade" }) else { return nil }
        let protocols = headers["upgrade"]
        return protocols.count == 1 ? protocols[0] : nil
    }

    /// The fields that go on.
    static func list(_ headers: HTTPHeaders) -> HeaderList {
        var list = HeaderList()
        list.reserveCapacity(fields: headers.count + 4, bytes: headers.count * 32)
        for (name, value) in headers { list.append(name: name.utf8, value: value.utf8) }
        let tokens = headers[canonicalForm: "connection"].map { Array($0.lowercased().utf8)[...] }
        let wantsTrailers = headers[canonicalForm: "te"].contains { $0.lowercased() == "trailers" }
        HeaderRules.removeHopByHop(&list, tokens: tokens)
        if wantsTrailers { list.append(name: "te".utf8, value: "trailers".utf8) }
        return list
    }

    private static func fields(_ headers: HTTPHeaders) throws(LocalReply) -> HeaderList {
        guard headers.count <= fieldsMax else { throw .headersTooLarge }
        let list = list(headers)
        guard list.byteCount <= fieldBytesMax else { throw .headersTooLarge }
        for (_, value) in headers {
            let isLegal = value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
            guard isLegal else { throw .malformed("a control character in a header") }
        }
        return list
    }

    private static func framing(_ headers: HTTPHeaders) throws(LocalReply) -> BodyFraming {
        let (encodings, lengths) = (headers["transfer-encoding"], headers["content-length"])
        if !encodings.isEmpty {
            guard lengths.isEmpty else { throw .malformed("both Transfer-Encoding and Content-Length") }
            guard encodings.count == 1, encodings[0].lowercased() == "chunked" else {
                throw .malformed("Transfer-Encoding is not chunked")
            }
            return .untilEnd
        }
        guard lengths.count <= 1 else { throw .malformed("more than one Content-Length") }
        guard let length = lengths.first else { return .none }
        let isNumber = !length.isEmpty && length.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let bytes = Int(length) else { throw .malformed("Content-Length is no number") }
        return .length(bytes)
    }

    /// A whole URL as the target names the authority too; then Host must be the same (RFC 9112 section 3.2.2).
    private static func target(
        _ uri: String, host: String
    ) throws(RequestError) -> (authority: Substring, path: Substring) {
        guard uri.utf8.first != UInt8(ascii: "/"), uri != "*" else { return (host[...], uri[...]) }
        let scheme = "http://"
        guard uri.prefix(scheme.count).lowercased() == scheme else { throw .notOriginForm }
        let rest = uri.dropFirst(scheme.count)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        guard authority.lowercased() == host.lowercased() else { throw .authority }
        let path = rest[end...]
        if path.isEmpty { return (authority, "/") }
        return (authority, path.first == "/" ? path : "/\(path)")
    }
}
