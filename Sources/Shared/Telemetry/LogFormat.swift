/// How log lines look.
package enum LogFormat: String, Hashable, Sendable, CaseIterable {
    /// Tab separated: time, level, target, message, `key=value` pairs.
    case text
    /// One JSON object per line.
    case json

    /// `plain` or `text`, or `json`; any case.
    package init?(_ text: String) {
        switch text.lowercased() {
        case "plain", "text": self = .text
        case "json": self = .json
        default: return nil
        }
    }
}

/// One log line being written, in either format. Fields follow one another in the order they are given.
struct LogLine {
    private(set) var bytes: [UInt8]
    private let format: LogFormat
    private var hasFields = false

    /// - Parameter storage: emptied and reused.
    init(
        reusing storage: consuming [UInt8] = [], format: LogFormat, timeMicroseconds: Int64, level: LogLevel,
        target: String, message: String
    ) {
        bytes = storage
        bytes.removeAll(keepingCapacity: true)
        self.format = format
        switch format {
        case .text:
            bytes.append(rfc3339: timeMicroseconds)
            bytes.append(text: "\t\(level)\t")
            bytes.append(bare: target)
            bytes.append(UInt8(ascii: "\t"))
            bytes.append(message: message)
        case .json:
            bytes.append(text: #"{"level":"\#(level)","time":""#)
            bytes.append(rfc3339: timeMicroseconds)
            bytes.append(text: #"","scope":"#)
            bytes.append(quoted: target)
            bytes.append(text: #","message":"#)
            bytes.append(quoted: message, bytesMax: LogLine.messageBytesMax)
        }
    }

    /// Bytes of one message; a stack of causes fits.
    static let messageBytesMax = 16_384

    /// Quoted in both formats.
    mutating func field(_ name: String, string: String) {
        begin(name)
        bytes.append(quoted: string)
    }

    /// Text that reads as one word (an address): bare in text format, unless its bytes could be taken for another
    /// field.
    mutating func field(_ name: String, word: String) {
        begin(name)
        switch format {
        case .text: bytes.append(bare: word)
        case .json: bytes.append(quoted: word)
        }
    }

    mutating func field(_ name: String, number: Int) {
        begin(name)
        bytes.append(decimal: number)
    }

    /// A value that is already in its final form in both formats.
    mutating func field(_ name: String, rendered: [UInt8]) {
        begin(name)
        bytes += rendered
    }

    /// Ends the line.
    consuming func finished() -> [UInt8] {
        if format == .json { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private mutating func begin(_ name: String) {
        switch format {
        case .text:
            bytes.append(hasFields ? UInt8(ascii: " ") : UInt8(ascii: "\t"))
            bytes.append(bare: name)
            bytes.append(UInt8(ascii: "="))
        case .json:
            bytes.append(UInt8(ascii: ","))
            bytes.append(quoted: name)
            bytes.append(UInt8(ascii: ":"))
        }
        hasFields = true
    }
}

extension [UInt8] {
    /// As it is when printable ASCII without space, quote and equals sign; else quoted, so that a peer cannot forge
    /// fields or lines.
    mutating func append(bare text: String) {
        let isWord =
            !text.isEmpty && text.utf8.count <= TelemetryLimits.logValueBytesMax
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        if isWord { append(text: text) } else { append(quoted: text) }
    }

    /// A message of the text format: its control characters are escaped, nothing is quoted.
    mutating func append(message text: String) {
        let isPlain = text.utf8.count <= LogLine.messageBytesMax && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        if isPlain { append(text: text) } else { append(quoted: text, bytesMax: LogLine.messageBytesMax) }
    }
}
