internal import MeshModel
internal import NIOHTTP1

/// Which header fields go on, which end with us, and which are ours; pure. Source: RFC 9110 section 7.6.1.
enum HeaderRules {
    /// Ends with the connection it came on.
    private static let hopByHop = ["connection", "keep-alive", "proxy-connection", "upgrade", "te", "http2-settings"]
    /// What `Connection` may not take away: it would change which request this is, and who sent it.
    private static let kept: Set<String> = [
        "host", "content-length", "transfer-encoding", "authorization", "cookie", "x-forwarded-client-cert",
    ]
    /// Orders to proxies, which callers do not give.
    private static let proxyOrders = "x-envoy-"

    static let clientCertificate = "x-forwarded-client-cert"

    /// The protocol that the request wants to change to.
    static func upgrade(in headers: HTTPHeaders) -> String? {
        let tokens = headers[canonicalForm: "connection"]
        guard tokens.contains(where: { $0.lowercased() == "upgrade" }) else { return nil }
        let protocols = headers["upgrade"]
        return protocols.count == 1 ? protocols[0] : nil
    }

    /// The caller wants no other request on its connection.
    static func closes(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    }

    /// The request as the endpoint gets it.
    /// - Parameter requestID: used when the caller has given none.
    static func forwarded(
        _ head: HTTPRequestHead, caller: Identity, by own: Identity, requestID: () -> String
    ) -> HTTPRequestHead {
        var head = head
        let upgrade = upgrade(in: head.headers)
        let wantsTrailers = head.headers[canonicalForm: "te"].contains { $0.lowercased() == "trailers" }
        removeHopByHop(&head.headers)
        for name in Set(head.headers.map { $0.name.lowercased() }) where name.hasPrefix(proxyOrders) {
            head.headers.remove(name: name)
        }
        // Who calls is what TLS has proven to us, whatever else is written there.
        head.headers.replaceOrAdd(name: clientCertificate, value: "By=\(own);URI=\(caller)")
        if !head.headers.contains(name: "x-request-id") { head.headers.add(name: "x-request-id", value: requestID()) }
        if !head.headers.contains(name: "x-forwarded-proto") {
            head.headers.add(name: "x-forwarded-proto", value: "http")
        }
        if wantsTrailers { head.headers.add(name: "te", value: "trailers") }
        if let upgrade {
            head.headers.add(name: "connection", value: "upgrade")
            head.headers.add(name: "upgrade", value: upgrade)
        } else {
            head.headers.add(name: "connection", value: "close")
        }
        return head
    }

    /// The answer as the caller gets it, with the framing that we give it.
    static func returned(_ head: HTTPResponseHead, to method: NIOHTTP1.HTTPMethod, closing: Bool) -> HTTPResponseHead {
        var head = HTTPResponseHead(version: .http1_1, status: head.status, headers: head.headers)
        let upgrade = head.status == .switchingProtocols ? upgrade(in: head.headers) : nil
        removeHopByHop(&head.headers)
        head.headers.remove(name: "transfer-encoding")
        switch head.status.code {
        case 100..<200, 204: head.headers.remove(name: "content-length")
        case 304: break
        default:
            if method != .HEAD, !head.headers.contains(name: "content-length") {
                head.headers.add(name: "transfer-encoding", value: "chunked")
            }
        }
        if let upgrade {
            head.headers.add(name: "connection", value: "upgrade")
            head.headers.add(name: "upgrade", value: upgrade)
        } else if closing, head.status.code >= 200 {
            head.headers.add(name: "connection", value: "close")
        }
        return head
    }

    private static func removeHopByHop(_ headers: inout HTTPHeaders) {
        for token in headers[canonicalForm: "connection"] where !kept.contains(token.lowercased()) {
            headers.remove(name: String(token))
        }
        for name in hopByHop { headers.remove(name: name) }
    }
}
