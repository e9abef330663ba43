import MeshModel

/// One match of one rule, with its names and values as bytes and its expressions compiled.
struct RouteCandidate: Sendable {
    /// What is left to ask of a path that the index found.
    enum PathCheck: Sendable {
        /// Nothing.
        case found
        case pattern(Pattern)
        /// `/SERVICE/METHOD`, and either as it must look.
        case call(service: ValueCheck?, method: ValueCheck?)
    }

    /// Where the index looks for it.
    enum Place: Sendable {
        case exact([UInt8])
        /// Segments of a prefix.
        case below([ArraySlice<UInt8>])
        /// As `below`, but behind every prefix: for what has no place in the order of the Gateway API.
        case lastBelow([ArraySlice<UInt8>])
    }

    let rule: Int
    let precedence: RoutePrecedence
    let place: Place
    let path: PathCheck
    let method: HTTPMethod?
    let headers: [NamedCheck]
    let query: [NamedCheck]
    /// Bytes of the prefix that matched, without a slash at its end; `nil` when it is none.
    let prefixLength: Int?

    /// Everything but what the index has compared already.
    func holds(_ head: RequestHead) -> Bool {
        if let method, head.method != .known(method) { return false }
        switch path {
        case .found: break
        case .pattern(let pattern): guard pattern.matches(head.path.path) else { return false }
        case .call(let service, let method):
            guard let call = GRPCCall(head.path), service?.holds(call.service) ?? true,
                method?.holds(call.method) ?? true
            else { return false }
        }
        for check in headers {
            guard let value = head.headerValue(check.name), check.value.holds(value) else { return false }
        }
        for check in query {
            guard let value = head.path.queryValue(check.name), check.value.holds(value) else { return false }
        }
        return true
    }
}

/// A compiled ``ValueMatch``.
enum ValueCheck: Sendable {
    case exact([UInt8])
    case pattern(Pattern)

    init(_ match: ValueMatch) throws(InvalidPattern) {
        switch match {
        case .exact(let text): self = .exact(Array(text.utf8))
        case .pattern(let text): self = .pattern(try Pattern(checking: text))
        }
    }

    func holds(_ value: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .exact(let wanted): value.elementsEqual(wanted)
        case .pattern(let pattern): pattern.matches(value)
        }
    }

    /// The only value that it lets through.
    var exact: [UInt8]? {
        if case .exact(let value) = self { value } else { nil }
    }
}

/// A value that is looked up by name.
struct NamedCheck: Sendable {
    let name: [UInt8]
    let value: ValueCheck
}

/// An expression of a rule that was not understood.
struct InvalidPattern: Error {
    let text: String
    let reason: PatternError
}

extension Pattern {
    init(checking text: String) throws(InvalidPattern) {
        do {
            try self.init(text)
        } catch {
            throw InvalidPattern(text: text, reason: error)
        }
    }
}

/// The two parts of a gRPC path.
struct GRPCCall {
    let service: ArraySlice<UInt8>
    let method: ArraySlice<UInt8>

    /// `nil` when the path is not `/SERVICE/METHOD`.
    init?(_ path: RequestPath) {
        let bytes = path.path
        guard bytes.first == UInt8(ascii: "/"), let slash = bytes.lastIndex(of: UInt8(ascii: "/")), slash > 1,
            slash + 1 < bytes.endIndex, !bytes[1..<slash].contains(UInt8(ascii: "/"))
        else { return nil }
        service = bytes[1..<slash]
        method = bytes[(slash + 1)...]
    }
}

extension RequestHead {
    /// The value of a header; the authority for `host`.
    func headerValue(_ name: [UInt8]) -> ArraySlice<UInt8>? {
        name.elementsEqual("host".utf8) ? authority.bytes[...] : headers.joined(name)
    }
}

/// The order in which matches are preferred, within one hostname.
struct RoutePrecedence: Comparable, Sendable {
    /// Regular expressions stand behind prefixes, as users of Istio know it.
    enum PathKind: Int, Comparable, Sendable {
        case exact, prefix, pattern, any

        static func < (left: PathKind, right: PathKind) -> Bool { left.rawValue < right.rawValue }
    }

    let kind: PathKind
    /// Characters of the path, or of the service of a call.
    let length: Int
    /// Characters of the method of a call.
    var callMethodLength = 0
    var hasMethod = false
    let headers: Int
    var query = 0
    let origin: RouteOrigin
    let matchIndex: Int

    static func < (left: RoutePrecedence, right: RoutePrecedence) -> Bool {
        if left.kind != right.kind { return left.kind < right.kind }
        if left.length != right.length { return left.length > right.length }
        if left.callMethodLength != right.callMethodLength { return left.callMethodLength > right.callMethodLength }
        if left.hasMethod != right.hasMethod { return left.hasMethod }
        if left.headers != right.headers { return left.headers > right.headers }
        if left.query != right.query { return left.query > right.query }
        if left.origin != right.origin { return left.origin < right.origin }
        return left.matchIndex < right.matchIndex
    }
}
