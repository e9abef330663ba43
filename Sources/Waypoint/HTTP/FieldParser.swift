internal import MeshModel
internal import WaypointRoute

/// Takes a head apart in the bytes it came in: names become lower case there, and fields are marked, not copied.
struct FieldParser {
    private(set) var bytes: [UInt8]
    private(set) var fields: [HeaderList.Field] = []
    private(set) var framing = FramingFields()

    /// - Parameter bytes: whole lines without a bare CR or LF, without controls, and an empty line.
    init(_ bytes: consuming [UInt8], fieldCount: Int) {
        self.bytes = bytes
        fields.reserveCapacity(fieldCount)
    }

    /// Reads one line.
    /// - Parameter range: the line without its CR and LF; not empty.
    mutating func parseField(_ range: Range<Int>) throws(HTTPFault) {
        let (nameEnd, value) = try split(range)
        let kept = try framing.note(name: bytes[range.lowerBound..<nameEnd], value: bytes[value])
        switch kept {
        case .host: framing.host = value
        case .other: mark(range.lowerBound, nameEnd, value, lineEnd: range.upperBound)
        }
    }

    /// As ``parseField(_:)``; trailers say nothing about framing.
    mutating func parseTrailer(_ range: Range<Int>) throws(HTTPFault) {
        let (nameEnd, value) = try split(range)
        mark(range.lowerBound, nameEnd, value, lineEnd: range.upperBound)
    }

    private mutating func split(_ range: Range<Int>) throws(HTTPFault) -> (nameEnd: Int, value: Range<Int>) {
        guard !bytes[range.lowerBound].isBlank else { throw .foldedLine }
        var place = range.lowerBound
        while place < range.upperBound, bytes[place].isToken {
            bytes[place] = bytes[place].inLowerCase
            place += 1
        }
        let nameEnd = place
        guard nameEnd > range.lowerBound, nameEnd < range.upperBound, bytes[nameEnd] == UInt8(ascii: ":") else {
            throw .fieldName
        }
        var start = nameEnd + 1
        var end = range.upperBound
        while start < end, bytes[start].isBlank { start += 1 }
        while start < end, bytes[end - 1].isBlank { end -= 1 }
        return (nameEnd, start..<end)
    }

    /// The field where it lies, when it lies there as it would be written; else a copy that does, behind all lines.
    private mutating func mark(_ nameStart: Int, _ nameEnd: Int, _ value: Range<Int>, lineEnd: Int) {
        let isPlain = value.lowerBound == nameEnd + 2 && bytes[nameEnd + 1] == 0x20 && value.upperBound == lineEnd
        guard !isPlain else {
            fields.append(HeaderList.Field(nameStart: nameStart, nameEnd: nameEnd, valueEnd: value.upperBound))
            return
        }
        let start = bytes.count
        bytes.append(contentsOf: bytes[nameStart..<nameEnd])
        bytes.append(UInt8(ascii: ":"))
        bytes.append(0x20)
        bytes.append(contentsOf: bytes[value])
        let count = nameEnd - nameStart
        fields.append(HeaderList.Field(nameStart: start, nameEnd: start + count, valueEnd: bytes.count))
        bytes.append(0x0d)
        bytes.append(0x0a)
    }

    consuming func headers() -> HeaderList { HeaderList(in: bytes, fields: fields) }
}

/// What a head says about where its message ends and about its connection, noted while its fields are read.
struct FramingFields {
    enum Kept {
        case host, other
    }

    /// Where the value of `Host` lies.
    var host: Range<Int>?
    private(set) var length: Int?
    private(set) var isChunked = false
    /// `Connection` has the token `close`.
    private(set) var closes = false
    private var hasUpgradeToken = false
    private var upgradeCount = 0
    private var isUpgradeRefused = false
    private(set) var expectsContinue = false
    private(set) var hasUnknownExpectation = false

    /// Another protocol is asked for, or taken: the token in `Connection`, and one `Upgrade`. The clear-text form of
    /// HTTP/2 is none: RFC 9113 section 3.1 has given it up, and a tunnel in it would pass by policy.
    var upgrades: Bool { hasUpgradeToken && upgradeCount == 1 && !isUpgradeRefused }

    /// - Parameter name: in lower case.
    mutating func note(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) throws(HTTPFault) -> Kept {
        switch name.count {
        case 4 where name.isEqual("host"):
            guard host == nil else { throw .hostRepeated }
            return .host
        case 6 where name.isEqual("expect"):
            if value.isEqualIgnoringCase("100-continue") {
                expectsContinue = true
            } else {
                hasUnknownExpectation = true
            }
        case 7 where name.isEqual("upgrade"):
            upgradeCount += 1
            var refused = isUpgradeRefused || value.isEmpty
            value.forEachToken { refused = refused || $0.isEqualIgnoringCase("h2c") }
            isUpgradeRefused = refused
        case 10 where name.isEqual("connection"): noteConnection(value)
        case 14 where name.isEqual("content-length"):
            guard length == nil else { throw .lengthRepeated }
            guard !isChunked else { throw .lengthAndEncoding }
            length = try Self.length(value)
        case 17 where name.isEqual("transfer-encoding"):
            guard length == nil else { throw .lengthAndEncoding }
            guard !isChunked else { throw .encodingRepeated }
            guard value.isEqualIgnoringCase("chunked") else { throw .encoding }
            isChunked = true
        default: break
        }
        return .other
    }

    private mutating func noteConnection(_ value: ArraySlice<UInt8>) {
        var (closes, hasUpgradeToken) = (closes, hasUpgradeToken)
        value.forEachToken { token in
            closes = closes || token.isEqualIgnoringCase("close")
            hasUpgradeToken = hasUpgradeToken || token.isEqualIgnoringCase("upgrade")
        }
        (self.closes, self.hasUpgradeToken) = (closes, hasUpgradeToken)
    }

    /// Digits and nothing else, below 2^63.
    private static func length(_ value: ArraySlice<UInt8>) throws(HTTPFault) -> Int {
        guard !value.isEmpty else { throw .lengthNoNumber }
        var length = 0
        for byte in value {
            guard byte.isDigit else { throw .lengthNoNumber }
            let (tens, isTooMuch) = length.multipliedReportingOverflow(by: 10)
            let (sum, isTooMuchToo) = tens.addingReportingOverflow(Int(byte) - 0x30)
            guard !isTooMuch, !isTooMuchToo else { throw .lengthNoNumber }
            length = sum
        }
        return length
    }
}
