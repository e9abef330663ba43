import MeshModel

extension AuthorizationPolicy.StringMatch {
    /// Byte by byte: no Unicode equivalence. Case counts unless it is ignored, and then only that of ASCII letters.
    func matches(_ text: some BidirectionalCollection<UInt8>, ignoringCase: Bool) -> Bool {
        guard ignoringCase else { return matches(text) }
        let folded = text.lazy.map(\.lowercased)
        switch self {
        case .exact(let wanted): return folded.elementsEqual(wanted.utf8.lazy.map(\.lowercased))
        case .prefix(let wanted): return folded.starts(with: wanted.utf8.lazy.map(\.lowercased))
        case .suffix(let wanted): return folded.reversed().starts(with: wanted.utf8.reversed().lazy.map(\.lowercased))
        case .presence: return !text.isEmpty
        }
    }
}

extension RequestPolicy.WildcardMatch {
    /// The pieces one after the other, the first at the beginning and the last at the end. Takes each piece where it
    /// comes first, which never misses a match and never goes back.
    func matches(_ text: String) -> Bool {
        var rest = text.utf8[...]
        guard let first = pieces.first, let last = pieces.last else { return false }
        guard pieces.count > 1 else { return rest.elementsEqual(first.utf8) }
        guard rest.starts(with: first.utf8) else { return false }
        rest = rest.dropFirst(first.utf8.count)
        for piece in pieces.dropFirst().dropLast() {
            guard let after = rest.end(ofFirst: piece.utf8) else { return false }
            rest = rest[after...]
        }
        return rest.count >= last.utf8.count && rest.suffix(last.utf8.count).elementsEqual(last.utf8)
    }
}

extension Substring.UTF8View {
    /// Where the first occurrence ends; `nil` when there is none.
    fileprivate func end(ofFirst wanted: String.UTF8View) -> Index? {
        var rest = self
        while rest.count >= wanted.count {
            if rest.starts(with: wanted) { return rest.index(rest.startIndex, offsetBy: wanted.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}

extension RequestPolicy.PathMatch {
    func truth(_ path: ArraySlice<UInt8>) -> Truth {
        switch self {
        case .text(let match): return Truth(match.matches(path))
        case .template(let template): return template.truth(path)
        }
    }
}

extension PathTemplate {
    /// In one pass over the path. A pattern that ends in `{**}/` wants a slash at the end of the path; since its users
    /// are told that it also matches `/foo/bar/baz.txt`, a path with more behind a later slash may match.
    func truth(_ path: ArraySlice<UInt8>) -> Truth {
        var rest = path
        for (index, segment) in segments.enumerated() {
            guard rest.first == UInt8(ascii: "/") else { return .no }
            rest = rest.dropFirst()
            switch segment {
            case .literal(let text):
                let found = rest.prefix { $0 != UInt8(ascii: "/") }
                guard found.elementsEqual(text.utf8) else { return .no }
                rest = rest.dropFirst(found.count)
            case .one:
                let found = rest.prefix { $0 != UInt8(ascii: "/") }
                guard !found.isEmpty else { return .no }
                rest = rest.dropFirst(found.count)
            case .rest: return Self.truth(rest, endingIn: segments[(index + 1)...])
            }
        }
        return Truth(rest.isEmpty)
    }

    private static func truth(_ rest: ArraySlice<UInt8>, endingIn literals: ArraySlice<Segment>) -> Truth {
        var end: [UInt8] = []
        for case .literal(let text) in literals {
            end.append(UInt8(ascii: "/"))
            end.append(contentsOf: text.utf8)
        }
        if rest.count >= end.count, rest.suffix(end.count).elementsEqual(end) { return .yes }
        return end == [UInt8(ascii: "/")] && rest.contains(UInt8(ascii: "/")) ? .maybe : .no
    }
}

extension UInt8 {
    /// ASCII letters in lower case, everything else as it is.
    var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
