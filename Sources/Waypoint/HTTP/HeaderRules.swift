package import MeshModel
package import WaypointRoute

/// Which header fields go on, which end with us, and which are ours; pure. Source: RFC 9110 section 7.6.1, and for
/// `x-envoy-`, `x-forwarded-client-cert` and `x-request-id` Envoy's documentation of HTTP header manipulation.
package enum HeaderRules {
    private static let clientCertificate = Array("x-forwarded-client-cert".utf8)[...]
    private static let requestID = Array("x-request-id".utf8)[...]
    private static let forwardedScheme = Array("x-forwarded-proto".utf8)[...]
    private static let connection = Array("connection".utf8)[...]
    private static let upgrade = Array("upgrade".utf8)[...]
    private static let te = Array("te".utf8)[...]
    private static let close = Array("close".utf8)[...]
    private static let trailers = Array("trailers".utf8)[...]

    /// The value of `x-forwarded-client-cert` for all requests of one caller: who calls is what TLS has proven to us.
    package static func clientCertificate(caller: Identity, by own: Identity) -> [UInt8] {
        Array("By=\(own);URI=\(caller)".utf8)
    }

    /// Makes a request that came into the one that the endpoint gets.
    /// - Parameter upgrades: it asks for another protocol, and goes on asking.
    /// - Parameter keepsAlive: another request may follow it to the endpoint.
    /// - Parameter clientCertificate: of ``clientCertificate(caller:by:)``; whatever else is written there goes.
    /// - Parameter newID: used when the caller has given none.
    package static func forward(
        _ head: inout RequestHead, upgrades: Bool, keepsAlive: Bool, clientCertificate: [UInt8], newID: () -> [UInt8]
    ) {
        let protocolName = upgrades ? head.headers.joined(upgrade) : nil
        var wantsTrailers = false
        head.headers.joined(te)?.forEachToken { token in
            wantsTrailers = wantsTrailers || token.isEqualIgnoringCase("trailers")
        }
        let named = namedByConnection(head.headers)
        if !named.isEmpty || head.headers.hasName(where: isTakenAway) {
            head.headers.removeAll { name in isTakenAway(name.span) || named.contains(name) }
        }
        head.headers.append(name: Self.clientCertificate, value: clientCertificate[...])
        if head.headers.index(of: requestID) == nil { head.headers.append(name: requestID, value: newID()[...]) }
        if head.headers.index(of: forwardedScheme) == nil {
            head.headers.append(name: forwardedScheme, value: Array(head.scheme.rawValue.utf8)[...])
        }
        if wantsTrailers { head.headers.append(name: te, value: trailers) }
        if let protocolName {
            appendUpgrade(protocolName, to: &head.headers)
        } else if !keepsAlive {
            head.headers.append(name: connection, value: close)
        }
    }

    /// Takes back what a route has changed though it is not its own: fields of the connection, and who calls, unless
    /// the route has taken that away altogether.
    /// - Parameter original: of ``forward(_:upgrades:keepsAlive:clientCertificate:newID:)``.
    package static func restore(_ headers: inout HeaderList, from original: HeaderList) {
        guard !isSame(headers, original) else { return }
        let hasCaller = headers.index(of: clientCertificate) != nil
        headers.removeAll(where: isOurs)
        for index in 0..<original.count where isOurs(original.name(at: index)) {
            guard hasCaller || original.name(at: index) != clientCertificate else { continue }
            headers.append(name: original.name(at: index), value: original.value(at: index))
        }
    }

    /// Ends with us, or is ours to write.
    private static func isTakenAway(_ name: Span<UInt8>) -> Bool {
        isOurs(name) || (name.count >= 8 && name.extracting(first: 8).isEqual("x-envoy-"))
    }

    private static func isOurs(_ name: ArraySlice<UInt8>) -> Bool { isOurs(name.span) }

    private static func isOurs(_ name: Span<UInt8>) -> Bool {
        isHopByHop(name) || (name.count == 23 && name.isEqual("x-forwarded-client-cert"))
    }

    /// The fields that are not the route's are the same. Most routes change nothing; then no byte is compared.
    private static func isSame(_ left: HeaderList, _ right: HeaderList) -> Bool {
        let (texts, otherTexts) = (left.lines.bytes, right.lines.bytes)
        let bytes = texts.span
        let others = otherTexts.span
        let places = right.lines.places
        var index = 0
        for place in left.lines.places where isOurs(bytes.extracting(place.name)) {
            while index < places.count, !isOurs(others.extracting(places[index].name)) { index += 1 }
            guard index < places.count else { return false }
            let line = bytes.extracting(place.line)
            let other = others.extracting(places[index].line)
            guard line.count == other.count, line.isSame(as: other) else { return false }
            index += 1
        }
        while index < places.count, !isOurs(others.extracting(places[index].name)) { index += 1 }
        return index == places.count
    }

    /// Makes the answer of an endpoint into the one that the caller gets.
    /// - Parameter framing: as it came; a body without a length goes on in chunks.
    /// - Parameter keepsAlive: the caller may send another request.
    /// - Returns: the framing that the caller gets.
    package static func answer(
        _ head: inout ResponseHead, framing: BodyFraming, keepsAlive: Bool
    ) -> BodyFraming {
        removeHopByHop(&head.headers)
        let hasNoLength = head.status < 200 || head.status == 204
        head.headers.removeAll { name in
            name.isEqual("transfer-encoding") || (hasNoLength && name.isEqual("content-length"))
        }
        if !keepsAlive, head.status >= 200 { head.headers.append(name: connection, value: close) }
        return framing == .untilClose ? .chunked : framing
    }

    /// Makes the answer that changes the protocol into the one that the caller gets.
    package static func upgrade(_ head: inout ResponseHead) {
        let protocolName = head.headers.joined(upgrade)
        _ = answer(&head, framing: .none, keepsAlive: true)
        if let protocolName { appendUpgrade(protocolName, to: &head.headers) }
    }

    private static func appendUpgrade(_ protocolName: ArraySlice<UInt8>, to headers: inout HeaderList) {
        headers.append(name: connection, value: upgrade)
        headers.append(name: upgrade, value: protocolName)
    }

    private static func removeHopByHop(_ headers: inout HeaderList) {
        let named = namedByConnection(headers)
        headers.removeAll { name in isHopByHop(name) || named.contains(name) }
    }

    /// Ends with the connection it came on.
    private static func isHopByHop(_ name: ArraySlice<UInt8>) -> Bool { isHopByHop(name.span) }

    private static func isHopByHop(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 2: name.isEqual("te")
        case 7: name.isEqual("upgrade")
        case 10: name.isEqual("connection") || name.isEqual("keep-alive")
        case 14: name.isEqual("http2-settings")
        case 16: name.isEqual("proxy-connection")
        default: false
        }
    }

    /// Fields that `Connection` takes away beyond those that always go, in lower case.
    private static func namedByConnection(_ headers: HeaderList) -> [ArraySlice<UInt8>] {
        var named: [ArraySlice<UInt8>] = []
        var next = headers.index(of: connection)
        while let place = next {
            headers.value(at: place).forEachToken { token in
                if token.isEqualIgnoringCase("close") || token.isEqualIgnoringCase("keep-alive") { return }
                let name = token.map(\.inLowerCase)[...]
                if !isHopByHop(name), !isKept(name) { named.append(name) }
            }
            next = headers.index(of: connection, from: place + 1)
        }
        return named
    }

    /// What `Connection` may not take away: it would change which request this is, and who sent it.
    private static func isKept(_ name: ArraySlice<UInt8>) -> Bool {
        let names = ["host", "content-length", "transfer-encoding", "authorization", "cookie"]
        return names.contains { name.isEqual($0) } || name.starts(with: "x-forwarded-".utf8)
    }

    /// Trailers without what may not stand there.
    package static func trailers(_ trailers: HeaderList) -> HeaderList {
        var trailers = trailers
        trailers.removeAll(where: isForbiddenTrailer)
        return trailers
    }

    /// What may not stand in trailers, as it would change a message whose head was dealt with: framing, routing,
    /// conditions, credentials, and how content is read. Source: RFC 9110 section 6.5.1.
    static func isForbiddenTrailer(_ name: ArraySlice<UInt8>) -> Bool {
        let isOurs = name.starts(with: "x-forwarded-".utf8) || name.starts(with: "x-envoy-".utf8)
        return isOurs || isHopByHop(name) || notInTrailers.contains(String(decoding: name, as: UTF8.self))
    }

    private static let notInTrailers: Set = [
        "content-length", "transfer-encoding", "trailer", "host", "forwarded", "via", "x-request-id",
        "cache-control", "expect", "max-forwards", "pragma", "range", "age", "date", "expires", "location",
        "retry-after", "vary", "warning", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
        "if-range", "authorization", "proxy-authorization", "proxy-authenticate", "www-authenticate",
        "authentication-info", "proxy-authentication-info", "cookie", "set-cookie", "content-encoding",
        "content-type", "content-range", "content-language", "content-location",
    ]
}
