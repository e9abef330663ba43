import MeshModel

/// A decoded header section of a message, taken apart and judged field by field. Nothing is copied: pseudo-header
/// fields and Host are places in what was decoded, and the list of fields leaves them out.
/// Source: RFC 9113 sections 8.1 to 8.3.
struct MessageSection {
    enum Kind { case request, response, trailers }

    private(set) var method: Range<Int>?
    private(set) var scheme: Range<Int>?
    private(set) var authority: Range<Int>?
    private(set) var path: Range<Int>?
    private(set) var status: Range<Int>?
    private(set) var host: Range<Int>?
    private(set) var contentLength: Int?
    private(set) var fields: HeaderLines
    /// Where the first Cookie stands among the fields that stay, and the others.
    private var cookie: Int?
    private var moreCookies: [HeaderLines.Place] = []

    init(_ lines: HeaderLines, _ kind: Kind) throws(FaultFound) {
        fields = lines
        var isPastPseudo = false
        var kept = 0
        for index in lines.places.indices {
            let place = lines.places[index]
            let name = lines.bytes.span.extracting(place.name)
            let value = lines.bytes.span.extracting(place.value)
            if name.count > 0, name[0] == UInt8(ascii: ":") {
                guard !isPastPseudo else { throw FaultFound(.pseudoAfterField(name.text)) }
                try FieldRules.checkValue(name, value)
                try takePseudo(name, place.value, kind)
            } else {
                isPastPseudo = true
                try FieldRules.checkField(name, value)
                guard try keeps(name, value, place, kind, kept) else { continue }
                fields.places[kept] = place
                kept += 1
            }
        }
        fields.places.removeLast(lines.places.count - kept)
        if !moreCookies.isEmpty { joinCookies() }
    }

    private mutating func takePseudo(
        _ name: Span<UInt8>, _ value: Range<Int>, _ kind: Kind
    ) throws(FaultFound) {
        switch (kind, name.count) {
        case (.trailers, _): throw FaultFound(.pseudoForbidden(name.text))
        case (.request, 7) where name.isEqual(":method"): try Self.set(&method, name, value)
        case (.request, 7) where name.isEqual(":scheme"): try Self.set(&scheme, name, value)
        case (.request, 10) where name.isEqual(":authority"): try Self.set(&authority, name, value)
        case (.request, 5) where name.isEqual(":path"): try Self.set(&path, name, value)
        case (.response, 7) where name.isEqual(":status"): try Self.set(&status, name, value)
        default: throw FaultFound(.pseudoUnknown(name.text))
        }
    }

    private static func set(
        _ field: inout Range<Int>?, _ name: Span<UInt8>, _ value: Range<Int>
    ) throws(FaultFound) {
        guard field == nil else { throw FaultFound(.pseudoRepeated(name.text)) }
        field = value
    }

    /// Whether a field stays in the list.
    private mutating func keeps(
        _ name: Span<UInt8>, _ value: Span<UInt8>, _ place: HeaderLines.Place, _ kind: Kind, _ index: Int
    ) throws(FaultFound) -> Bool {
        switch name.count {
        case 4 where kind == .request && name.isEqual("host"):
            guard host == nil else { throw FaultFound(.repeated("host")) }
            host = place.value
            return false
        case 6 where kind == .request && name.isEqual("cookie"):
            guard cookie == nil else {
                moreCookies.append(place)
                return false
            }
            cookie = index
        case 14 where kind != .trailers && name.isEqual("content-length"):
            guard contentLength == nil else { throw FaultFound(.repeated("content-length")) }
            contentLength = try Self.length(value)
        default: break
        }
        return true
    }

    /// Several Cookie fields are one that was cut for compression. Source: RFC 9113 section 8.2.3.
    private mutating func joinCookies() {
        guard let cookie else { return }
        let first = fields.places[cookie]
        var value = Array(fields.bytes[first.value])
        var isNeverIndexed = first.isNeverIndexed
        for place in moreCookies {
            value += [UInt8(ascii: ";"), UInt8(ascii: " ")]
            value += fields.bytes[place.value]
            isNeverIndexed = isNeverIndexed || place.isNeverIndexed
        }
        fields.append(name: fields.bytes[first.name], value: value[...], isNeverIndexed: isNeverIndexed)
        fields.places[cookie] = fields.places.removeLast()
    }

    /// Digits only. Source: RFC 9110 section 8.6.
    private static func length(_ text: Span<UInt8>) throws(FaultFound) -> Int {
        // 18 digits are below 2^63; no message is longer.
        guard (1...18).contains(text.count) else { throw FaultFound(.contentLength(text.text)) }
        var length = 0
        for place in text.indices {
            let digit = text[place]
            guard digit >= 0x30, digit <= 0x39 else { throw FaultFound(.contentLength(text.text)) }
            length = length * 10 + Int(digit - 0x30)
        }
        return length
    }
}
