internal import MeshModel
internal import WaypointRoute

/// Which header fields go on, which end with us, and which are ours; pure. Source: RFC 9110 section 7.6.1.
enum HeaderRules {
    static let clientCertificate = "x-forwarded-client-cert"
    static let requestID = "x-request-id"
    static let attemptCount = "x-envoy-attempt-count"

    /// Ends with the connection it came on, or is written anew by each side.
    private static let ofConnection = [
        "connection", "keep-alive", "proxy-connection", "upgrade", "te", "http2-settings", "transfer-encoding", "host",
    ].map { Array($0.utf8) }
    /// What `Connection` may not take away: it would change which request this is, and who sent it.
    private static let kept = [
        "host", "content-length", "transfer-encoding", "authorization", "cookie", clientCertificate,
    ].map { Array($0.utf8) }
    /// What changes the meaning of a message comes too late behind its body (RFC 9110 section 6.5.1).
    private static let notInTrailers = [
        "content-length", "content-encoding", "content-type", "content-range", "trailer", "authorization", "cookie",
        "set-cookie", "cache-control", "expect", "max-forwards", "location", "age", "vary", "date",
        "www-authenticate", "x-forwarded-for", "x-forwarded-proto", clientCertificate,
    ].map { Array($0.utf8) }

    /// Orders to proxies, which callers do not give.
    private static let proxyOrders = Array("x-envoy-".utf8)

    /// Takes out what is written by each connection for itself.
    /// - Parameter tokens: the values of `Connection`.
    static func removeHopByHop(_ headers: inout HeaderList, tokens: [ArraySlice<UInt8>] = []) {
        headers.removeAll { name in
            isOfConnection(name)
                || tokens.contains { $0.elementsEqual(name) && !kept.contains { $0.elementsEqual(name) } }
        }
    }

    /// Whether a field is written by each side for its own connection.
    static func isOfConnection(_ name: ArraySlice<UInt8>) -> Bool {
        ofConnection.contains { $0.elementsEqual(name) }
    }

    /// Makes the fields of a request those that policy, routes and the endpoint see.
    /// - Parameter requestID: used when the caller has given none.
    static func receive(
        _ headers: inout HeaderList, caller: Identity, by own: Identity, requestID: () -> String
    ) {
        headers.removeAll { $0.starts(with: proxyOrders) }
        setCaller(&headers, caller, by: own)
        if headers.index(of: Self.requestID.utf8) == nil {
            headers.append(name: Self.requestID.utf8, value: requestID().utf8)
        }
        if headers.index(of: "x-forwarded-proto".utf8) == nil {
            headers.append(name: "x-forwarded-proto".utf8, value: "http".utf8)
        }
    }

    /// Who calls is what TLS has proven to us, whatever else is written there.
    static func setCaller(_ headers: inout HeaderList, _ caller: Identity, by own: Identity) {
        headers.replace(name: clientCertificate.utf8, value: "By=\(own);URI=\(caller)".utf8)
    }

    /// What may follow a body; `nil` for nothing.
    static func trailers(_ trailers: HeaderList?) -> HeaderList? {
        guard var trailers else { return nil }
        trailers.removeAll { name in isOfConnection(name) || notInTrailers.contains { $0.elementsEqual(name) } }
        return trailers.count == 0 ? nil : trailers
    }
}
