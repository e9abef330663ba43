import MeshModel
import WaypointRoute

/// The rules of paths a second time. Shares no code with the rooms.
enum Naive {
    private static let slash = UInt8(ascii: "/")

    static func bytes(_ path: RequestPath) -> [UInt8] {
        Array(path.path) + (path.query.map { [UInt8(ascii: "?")] + $0 } ?? [])
    }

    /// The path of a target as it should become; `nil`: the target is refused.
    static func plain(_ target: ArraySlice<UInt8>, _ mode: PathNormalization) -> [UInt8]? {
        guard target.count <= RequestPath.targetBytesMax,
            target.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") })
        else { return nil }
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        guard path.first == slash || path.elementsEqual([UInt8(ascii: "*")]) else { return nil }
        guard let decoded = decode(path, mode) else { return nil }
        guard mode != .none, decoded.first == slash else { return decoded }
        let resolved = resolve(decoded)
        guard mode != .base else { return resolved }
        var merged: [UInt8] = []
        for byte in resolved where byte != slash || merged.last != slash { merged.append(byte) }
        return merged
    }

    private static func decode(_ path: ArraySlice<UInt8>, _ mode: PathNormalization) -> [UInt8]? {
        let unreserved = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
        var output: [UInt8] = []
        var rest = path
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), mode != .none {
                output.append(slash)
                continue
            }
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            let isWhole = digits.count == 2 && digits.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
            guard isWhole, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                guard mode == .none else { return nil }
                output.append(byte)
                continue
            }
            guard value != 0 else { return nil }
            rest = rest.dropFirst(2)
            if mode != .none, unreserved.contains(value) {
                output.append(value)
            } else if mode == .decodeAndMergeSlashes, value == slash || value == UInt8(ascii: "\\") {
                output.append(slash)
            } else {
                output += [byte] + digits
            }
        }
        return output
    }

    /// RFC 3986, 5.2.4, by a stack of segments.
    private static func resolve(_ path: [UInt8]) -> [UInt8] {
        let segments = path.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
        var stack: [ArraySlice<UInt8>] = []
        for (index, segment) in segments.enumerated() {
            let isDot = segment.elementsEqual(".".utf8)
            let isDouble = segment.elementsEqual("..".utf8)
            if isDouble { _ = stack.popLast() }
            if !isDot, !isDouble {
                stack.append(segment)
            } else if index == segments.count - 1 {
                stack.append([])
            }
        }
        return [slash] + stack.joined(separator: [slash])
    }

    /// Whether a template holds for the whole path, by trying everything.
    static func matches(_ segments: ArraySlice<PathTemplate.Segment>, _ path: ArraySlice<UInt8>) -> Bool {
        guard let first = segments.first else { return path.isEmpty }
        guard path.first == slash else { return false }
        let rest = path.dropFirst()
        let part = rest.prefix { $0 != slash }
        switch first {
        case .literal(let text):
            return part.elementsEqual(text.utf8) && matches(segments.dropFirst(), rest.dropFirst(part.count))
        case .one:
            return !part.isEmpty && matches(segments.dropFirst(), rest.dropFirst(part.count))
        case .rest:
            return (0...rest.count).contains { matches(segments.dropFirst(), rest.dropFirst($0)) }
        }
    }

    /// The rule that wins: an exact path before a prefix, a longer prefix before a shorter one, then the first.
    static func best(_ matches: [PathMatch], _ path: ArraySlice<UInt8>) -> Int? {
        var best: (rank: Int, index: Int)?
        for (index, match) in matches.enumerated() {
            guard let rank = rank(match, path), rank < best?.rank ?? .max else { continue }
            best = (rank, index)
        }
        return best?.index
    }

    private static func rank(_ match: PathMatch, _ path: ArraySlice<UInt8>) -> Int? {
        switch match {
        case .exact(let wanted): return path.elementsEqual(wanted.text.utf8) ? -1 << 20 : nil
        case .prefix(let prefix):
            guard path.first == slash else { return nil }
            let wanted = prefix.text.utf8.split(separator: slash)
            let parts = path.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
            guard parts.count >= wanted.count, zip(parts, wanted).allSatisfy({ $0.elementsEqual($1) }) else {
                return nil
            }
            return -max(1, wanted.reduce(0) { $0 + $1.count + 1 })
        case .pattern: return nil
        }
    }
}
