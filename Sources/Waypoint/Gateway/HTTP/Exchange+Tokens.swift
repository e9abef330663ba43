internal import MeshIdentity
internal import MeshModel
internal import WaypointRoute
internal import WaypointToken

extension Exchange {
    /// Checks the request's tokens, and makes its head the one that goes on. `nil`: nothing is against it; without a
    /// token there are no claims.
    func checkTokens() -> TokenFailure? {
        guard let checker = call.tokenChecker else { return nil }
        let head = message.head
        let request = TokenRequest(
            method: head.method.bytes, query: head.path.query ?? [], headers: head.headers)
        let now = Double(UnixClock.milliseconds()) / 1_000
        let loop = loop
        let outcome = checker.check(request, now: now, remote: loop.tokens.fetched) { uri, keyIdentifier in
            loop.tokens.missing(uri, keyIdentifier)
        }
        switch outcome {
        case .refused(let failure): return failure
        case .passed(let pass):
            claims = pass.claims
            message.head.apply(pass)
            if message.head.path != head.path { log.shortened(message.head.path) }
            // No policy about tokens makes somebody else the caller.
            message.head.headers.replace(name: "x-forwarded-client-cert".utf8, value: call.clientCertificate)
            return nil
        }
    }
}

extension RequestHead {
    /// Makes the head the one that goes on after its tokens were checked: only the check writes what tokens claim.
    mutating func apply(_ pass: TokenPass) {
        if !pass.removed.isEmpty {
            let removed = pass.removed.map { Array($0.utf8) }
            headers.removeAll { name in removed.contains { $0.elementsEqual(name) } }
        }
        for location in pass.stripped {
            switch location {
            case .header(let name, _): headers.removeAll { $0.elementsEqual(name.utf8) }
            case .parameter(let name): path = path.withoutParameters { TokenRequest.isParameter($0, named: name) }
            case .cookie(let name): removeCookie(name)
            }
        }
        for field in pass.fields { headers.replace(name: field.name.utf8, value: field.value.utf8) }
    }

    private mutating func removeCookie(_ unwanted: String) {
        let (separator, space, sign) = (UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "="))
        let values = headers.values(of: "cookie")
        headers.removeAll { $0.elementsEqual("cookie".utf8) }
        for value in values {
            let pairs = value.split(separator: separator).map { $0.drop { $0 == space } }
            let kept = pairs.filter { !$0.prefix { $0 != sign }.elementsEqual(unwanted.utf8) }
            guard !kept.isEmpty else { continue }
            headers.append(name: "cookie".utf8, value: Array(kept.joined(separator: [separator, space])))
        }
    }
}

extension LocalReply {
    /// Bytes of a path that the answer repeats.
    private static let realmPathBytesMax = 256

    /// As Envoy's filter jwt_authn answers. The query is not repeated: a token may stand there.
    static func refused(_ failure: TokenFailure, for head: RequestHead) -> LocalReply {
        let (authority, path) = (head.authority.bytes, head.path.path.prefix(realmPathBytesMax))
        let quoted = String(decoding: path, as: UTF8.self).replacing("\"", with: "%22")
        let place = "\(head.scheme.rawValue)://\(String(decoding: authority, as: UTF8.self))\(quoted)"
        var headers = HeaderList()
        headers.append(
            name: "www-authenticate".utf8, value: "Bearer realm=\"\(place)\", error=\"invalid_token\"".utf8)
        return LocalReply(
            status: UInt16(failure.status), body: failure.text, details: failure.details, headers: headers)
    }
}
