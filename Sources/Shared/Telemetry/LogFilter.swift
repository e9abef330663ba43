/// Which level each target logs from: a default and longest-prefix exceptions, as in `info,access=debug`.
package struct LogFilter: Hashable, Sendable, CustomStringConvertible {
    package private(set) var standard: LogLevel
    package private(set) var targets: [String: LogLevel]

    package init(_ standard: LogLevel = .info, targets: [String: LogLevel] = [:]) {
        self.standard = standard
        self.targets = targets
    }

    /// A comma list of `LEVEL` and `TARGET=LEVEL`. Targets named twice: the last counts.
    package init(parsing text: String, standard: LogLevel = .info) throws(LogFilterError) {
        self.init(standard)
        try merge(text)
    }

    /// Adds the clauses of such a list to this filter; unchanged when one is wrong.
    package mutating func merge(_ text: String) throws(LogFilterError) {
        var merged = self
        for clause in text.split(separator: ",") {
            let parts = clause.split(separator: "=", omittingEmptySubsequences: false).map(Self.trimmed)
            switch parts.count {
            case 1 where parts[0].isEmpty: continue
            case 1:
                guard let level = LogLevel(parts[0]) else { throw LogFilterError(clause: String(clause)) }
                merged.standard = level
            case 2:
                guard !parts[0].isEmpty, let level = LogLevel(parts[1]), merged.targets.count < Self.targetsMax else {
                    throw LogFilterError(clause: String(clause))
                }
                merged.targets[parts[0]] = level
            default: throw LogFilterError(clause: String(clause))
            }
        }
        self = merged
    }

    /// Clauses kept; enough for every target we have, and a bound for what `/logging` may pile up.
    package static let targetsMax = 256

    /// The level of a target: its longest named prefix, else the default.
    package func level(for target: String) -> LogLevel {
        let best = targets.filter { target.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }
        return best?.value ?? standard
    }

    package var description: String {
        ([standard.description] + targets.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
            .joined(separator: ",")
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// A clause of a log filter that cannot be read.
package struct LogFilterError: Error, Hashable, Sendable, CustomStringConvertible {
    package let clause: String

    package init(clause: String) { self.clause = clause }

    package var description: String {
        "log filter: expected LEVEL or TARGET=LEVEL (levels: trace, debug, info, warn, error, off; at most "
            + "\(LogFilter.targetsMax) targets), found '\(clause)'"
    }
}
