package import MeshModel

extension PathReplacement {
    /// The path with this written into it; the query stays.
    /// - Parameter prefixLength: bytes of the prefix that matched, without a slash at its end.
    package func applied(to path: RequestPath, prefixLength: Int?) -> RequestPath {
        let slash = UInt8(ascii: "/")
        switch self {
        case .full(let replacement):
            let full = Array(replacement.text.utf8)
            return RequestPath(rewritten: full.isEmpty ? [slash] : full, queryOf: path)
        case .prefix(let replacement):
            guard let prefixLength, prefixLength <= path.pathEnd else { return path }
            // What is left is empty or begins with a slash, so the replacement gives up its own.
            var rewritten = Array(replacement.text.utf8)
            while rewritten.last == slash { rewritten.removeLast() }
            rewritten.append(contentsOf: path.target[prefixLength..<path.pathEnd])
            return RequestPath(rewritten: rewritten.isEmpty ? [slash] : rewritten, queryOf: path)
        }
    }
}

extension RequestHead {
    /// Carries out a rewrite.
    /// - Parameter prefixLength: as for ``PathReplacement/applied(to:prefixLength:)``.
    package mutating func apply(_ rewrite: URLRewrite?, prefixLength: Int?) {
        guard let rewrite else { return }
        if let hostname = rewrite.hostname { authority = RequestAuthority(hostname) }
        if let replacement = rewrite.path { path = replacement.applied(to: path, prefixLength: prefixLength) }
    }

    /// Carries out a modifier of request headers. A host that it sets becomes the authority when it can be one; a host
    /// is never removed.
    package mutating func apply(_ modifier: HeaderModifier?) {
        guard let modifier else { return }
        headers.apply(modifier)
        for field in modifier.set + modifier.add where field.name.text == "host" {
            headers.remove(field.name)
            if let authority = try? RequestAuthority(field.value.utf8) { self.authority = authority }
        }
    }
}

extension RequestRedirect {
    /// The value of `location`: always a whole URL, with the query of the request.
    /// - Parameters:
    ///   - prefixLength: as for ``PathReplacement/applied(to:prefixLength:)``.
    ///   - port: the port that the client used.
    package func location(for head: RequestHead, prefixLength: Int?, port listenerPort: UInt16) -> [UInt8] {
        let scheme = self.scheme ?? head.scheme
        // A scheme without a port means that scheme's port, not the one the client used.
        let port = self.port ?? self.scheme?.defaultPort ?? listenerPort
        var location = Array("\(scheme.rawValue)://".utf8)
        location.append(contentsOf: hostname.map { Array($0.text.utf8) } ?? head.authority.host)
        if port != scheme.defaultPort { location.append(contentsOf: ":\(port)".utf8) }
        let path = self.path?.applied(to: head.path, prefixLength: prefixLength) ?? head.path
        location.append(contentsOf: path.target)
        return location
    }
}
