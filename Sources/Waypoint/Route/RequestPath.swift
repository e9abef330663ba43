/// How a path is made plain before anything looks at it.
package enum PathNormalization: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none = "NONE"
    /// One pass of decoding letters, digits, `-`, `.`, `_`, `~`; backslashes become slashes; `.` and `..` are resolved.
    case base = "BASE"
    /// As `base`; then runs of slashes become one.
    case mergeSlashes = "MERGE_SLASHES"
    /// As `mergeSlashes`, with escaped slashes and backslashes decoded first.
    case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"
}

/// The target of a request, made plain once: routes, policies and the next hop all see these bytes.
package struct RequestPath: Hashable, Sendable {
    /// Longest target that is accepted.
    package static let targetBytesMax = 32 * 1024

    /// The path, and the query as it came.
    package let target: [UInt8]
    /// Where the path ends in the target.
    package let pathEnd: Int

    /// Takes time and memory in proportion to the target.
    /// - Throws: ``RequestError``. A target other than `*` must begin with `/`.
    package init(
        _ bytes: some Collection<UInt8>, normalization: PathNormalization = .base
    ) throws(RequestError) {
        try self.init(Array(bytes)[...], normalization: normalization)
    }

    /// As the other, compiled for this type: generic functions are not specialised for other rooms.
    package init(_ bytes: ArraySlice<UInt8>, normalization: PathNormalization = .base) throws(RequestError) {
        guard bytes.count <= Self.targetBytesMax else { throw .targetTooLong }
        guard !bytes.contains(0) else { throw .nul }
        guard !bytes.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else { throw .controlCharacter }
        guard !bytes.contains(UInt8(ascii: "#")) else { throw .fragment }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        let path = bytes[..<mark]
        guard path.first == UInt8(ascii: "/") || path.elementsEqual("*".utf8) else { throw .notOriginForm }
        var target = try Self.decoded(path, normalization)
        if normalization != .none, target.first == UInt8(ascii: "/") { Self.resolveDots(&target) }
        if normalization == .mergeSlashes || normalization == .decodeAndMergeSlashes { Self.mergeSlashes(&target) }
        pathEnd = target.count
        target.append(contentsOf: bytes[mark...])
        self.target = target
    }

    /// A path that a rewrite made from a plain one, with the query of that one.
    init(rewritten path: [UInt8], queryOf original: RequestPath) {
        target = path + original.target[original.pathEnd...]
        pathEnd = path.count
    }

    /// - Parameter pathEnd: where the path, which is plain, ends in the target.
    init(target: [UInt8], pathEnd: Int) {
        self.target = target
        self.pathEnd = pathEnd
    }

    package var path: ArraySlice<UInt8> { target[..<pathEnd] }

    /// Behind the question mark; `nil` when there is none.
    package var query: ArraySlice<UInt8>? { pathEnd < target.count ? target[(pathEnd + 1)...] : nil }

    /// The first value of a query parameter, as written; a parameter without `=` has an empty one.
    package func queryValue(_ name: some Collection<UInt8>) -> ArraySlice<UInt8>? {
        var start = pathEnd + 1
        while start < target.count {
            var end = start
            var equals: Int?
            while end < target.count, target[end] != UInt8(ascii: "&") {
                if equals == nil, target[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            if target[start..<(equals ?? end)].elementsEqual(name) {
                return target[(equals.map { $0 + 1 } ?? end)..<end]
            }
            start = end + 1
        }
        return nil
    }

    /// Escapes decoded as far as the mode decodes them.
    private static func decoded(
        _ path: some Collection<UInt8>, _ normalization: PathNormalization
    ) throws(RequestError) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(path.count)
        var index = path.startIndex
        while index < path.endIndex {
            let byte = path[index]
            path.formIndex(after: &index)
            if byte == UInt8(ascii: "\\"), normalization != .none {
                output.append(UInt8(ascii: "/"))
            } else if byte == UInt8(ascii: "%") {
                let digits = path[index...].prefix(2)
                guard let value = escaped(digits) else {
                    guard normalization == .none else { throw .escape }
                    output.append(byte)
                    continue
                }
                guard value != 0 else { throw .nul }
                if let plain = decoded(value, normalization) {
                    output.append(plain)
                } else {
                    output.append(byte)
                    output.append(contentsOf: digits)
                }
                index = digits.endIndex
            } else {
                output.append(byte)
            }
        }
        return output
    }

    private static func escaped(_ digits: some Collection<UInt8>) -> UInt8? {
        guard digits.count == 2, let high = digits.first?.hexadecimalValue,
            let low = digits.dropFirst().first?.hexadecimalValue
        else { return nil }
        return high << 4 | low
    }

    /// What an escaped byte becomes; `nil`: it stays escaped.
    private static func decoded(_ byte: UInt8, _ normalization: PathNormalization) -> UInt8? {
        guard normalization != .none else { return nil }
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): return byte
        case UInt8(ascii: "/"), UInt8(ascii: "\\"):
            return normalization == .decodeAndMergeSlashes ? UInt8(ascii: "/") : nil
        default: return nil
        }
    }

    /// RFC 3986, 5.2.4, in place. Each byte is written once and taken back at most once.
    private static func resolveDots(_ path: inout [UInt8]) {
        var written = 0
        var read = 0
        while read < path.count {
            // At a slash: the segment behind it.
            var end = read + 1
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            let isLast = end == path.count
            let dots = dotCount(path[(read + 1)..<end])
            if dots == 2 {
                while written > 0 {
                    written -= 1
                    if path[written] == UInt8(ascii: "/") { break }
                }
            }
            if dots == 0 {
                for index in read..<end {
                    path[written] = path[index]
                    written += 1
                }
            } else if isLast {
                path[written] = UInt8(ascii: "/")
                written += 1
            }
            read = end
        }
        path.removeLast(path.count - written)
    }

    /// 1 for `.`, 2 for `..`, otherwise 0.
    private static func dotCount(_ segment: ArraySlice<UInt8>) -> Int {
        segment.count <= 2 && segment.allSatisfy { $0 == UInt8(ascii: ".") } ? segment.count : 0
    }

    private static func mergeSlashes(_ path: inout [UInt8]) {
        var written = 0
        for index in path.indices {
            let isRepeated = written > 0 && path[index] == UInt8(ascii: "/") && path[written - 1] == UInt8(ascii: "/")
            guard !isRepeated else { continue }
            path[written] = path[index]
            written += 1
        }
        path.removeLast(path.count - written)
    }
}
