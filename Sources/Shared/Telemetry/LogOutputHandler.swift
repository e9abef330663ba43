import Logging

/// Writes swift-log events as lines of a `LogOutput`.
struct LogOutputHandler: LogHandler {
    let target: String
    let threshold: LevelSwitch
    let output: LogOutput
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private var ownLevel: Logger.Level?

    init(target: String, threshold: LevelSwitch, output: LogOutput) {
        self.target = target
        self.threshold = threshold
        self.output = output
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level.loggerLevel }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard ownLevel != nil || threshold.level != .off else { return }
        var line = LogLine(
            format: output.format, timeMicroseconds: output.clock.wallMicroseconds(), level: LogLevel(event.level),
            target: target, message: event.message.description)
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { line.field(name, value) }
        if let error = event.error { line.field("error", string: "\(error)") }
        output.sink.append(line.finished())
    }
}

extension LogLine {
    fileprivate mutating func field(_ name: String, _ value: Logger.Metadata.Value) {
        switch value {
        case .string(let text): field(name, string: text)
        case .stringConvertible(let value): field(name, word: value.description)
        case .array, .dictionary:
            var rendered: [UInt8] = []
            rendered.append(json: value, depth: 0)
            field(name, rendered: rendered)
        }
    }
}

extension [UInt8] {
    /// Nested values deeper than this are cut: our own code nests none.
    private static var depthMax: Int { 8 }

    fileprivate mutating func append(json value: Logger.Metadata.Value, depth: Int) {
        guard depth < Self.depthMax else { return append(quoted: "...") }
        switch value {
        case .string(let text): append(quoted: text)
        case .stringConvertible(let value): append(quoted: value.description)
        case .array(let values):
            append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                append(json: value, depth: depth + 1)
            }
            append(UInt8(ascii: "]"))
        case .dictionary(let values):
            append(UInt8(ascii: "{"))
            for (index, pair) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                append(quoted: pair.key)
                append(UInt8(ascii: ":"))
                append(json: pair.value, depth: depth + 1)
            }
            append(UInt8(ascii: "}"))
        }
    }
}
