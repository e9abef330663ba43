package import MeshModel

/// One setting that cannot be used.
package struct SettingProblem: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let expected: String
    package let found: String

    package var description: String { "\(name): expected \(expected), found '\(found)'" }
}

/// Everything wrong with the settings of a start, so that a user mends all at once.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package let problems: [SettingProblem]

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Reads settings from the environment it is given, by name, and remembers what was wrong or never asked for. A wrong
/// value yields the default for the moment; `finish` then throws, so it is never used.
package struct SettingsReader {
    private let values: [String: String]
    private var known: Set<String> = []
    private var problems: [SettingProblem] = []

    /// - Parameter values: names and values, as the environment of the process has them.
    package init(_ values: [String: String]) { self.values = values }

    /// Throws everything that was wrong.
    /// - Parameter prefixes: names that begin so belong to us.
    /// - Returns: names of ours that nobody asked for, sorted; spelling mistakes, so warn about them.
    package consuming func finish(prefixes: [String] = []) throws(SettingsError) -> [String] {
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        let known = known
        return values.keys.filter { name in prefixes.contains { name.hasPrefix($0) } && !known.contains(name) }.sorted()
    }

    /// Any text; the empty text counts as given.
    package mutating func text(_ name: String) -> String? { raw(name) }

    /// Every setting whose name begins so, by the rest of its name.
    package mutating func texts(prefix: String) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in values where name.hasPrefix(prefix) && name != prefix {
            known.insert(name)
            texts[String(name.dropFirst(prefix.count))] = value
        }
        return texts
    }

    /// Any text but the empty one.
    package mutating func text(_ name: String, default standard: String) -> String {
        read(name, "a text that is not empty") { $0.isEmpty ? nil : $0 } ?? standard
    }

    /// `true` or `false`.
    package mutating func bool(_ name: String, default standard: Bool) -> Bool {
        read(name, "true or false", SettingText.bool) ?? standard
    }

    /// See `SettingText.duration`.
    package mutating func duration(_ name: String) -> Duration? {
        read(name, "a duration such as 10s, 5m or 24h", SettingText.duration)
    }

    package mutating func duration(_ name: String, default standard: Duration) -> Duration {
        duration(name) ?? standard
    }

    /// Bytes.
    package mutating func size(_ name: String, default standard: Int, in range: ClosedRange<Int> = 0...Int.max) -> Int {
        let bounds = range == 0...Int.max ? "" : " from \(range.lowerBound) to \(range.upperBound) bytes"
        return read(name, "a size such as 65536, 64KiB or 4MiB\(bounds)") { text in
            SettingText.size(text).flatMap { range.contains($0) ? $0 : nil }
        } ?? standard
    }

    /// A whole number in the range.
    package mutating func number(_ name: String, in range: ClosedRange<Int>) -> Int? {
        read(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            SettingText.number(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package mutating func number(_ name: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        number(name, in: range) ?? standard
    }

    /// A TCP port.
    package mutating func port(_ name: String, default standard: UInt16) -> UInt16 {
        number(name, in: 1...65535).map { UInt16($0) } ?? standard
    }

    /// `1.2.3.4:15020` or `[::1]:15020`.
    package mutating func address(_ name: String, default standard: TransportAddress) -> TransportAddress {
        read(name, "an address such as 127.0.0.1:15000 or [::1]:15000") { TransportAddress($0) } ?? standard
    }

    /// One of a closed list, or whatever else `parse` reads; `expected` ends "expected ...".
    package mutating func value<Value>(_ name: String, expected: String, parse: (String) -> Value?) -> Value? {
        read(name, expected, parse)
    }

    /// Notes a problem found by looking at several settings together.
    package mutating func reject(_ name: String, expected: String) {
        problems.append(SettingProblem(name: name, expected: expected, found: values[name] ?? ""))
    }

    private mutating func raw(_ name: String) -> String? {
        known.insert(name)
        return values[name]
    }

    private mutating func read<Value>(_ name: String, _ expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = raw(name) else { return nil }
        guard let value = parse(text) else {
            problems.append(SettingProblem(name: name, expected: expected, found: text))
            return nil
        }
        return value
    }
}
