package import Logging
import Synchronization

/// The process's log: format, levels and sink behind every logger and the access log. Made once in main and passed on.
package final class LogOutput: Sendable {
    package let format: LogFormat
    package let clock: TelemetryClock
    package let sink: LineSink

    private struct Levels {
        var filter: LogFilter
        var switches: [String: LevelSwitch] = [:]
    }

    /// What the process started with.
    package let initialFilter: LogFilter
    private let levels: Mutex<Levels>

    package init(
        format: LogFormat = .text, filter: LogFilter = LogFilter(), sink: LineSink, clock: TelemetryClock = .system
    ) {
        self.format = format
        self.clock = clock
        self.sink = sink
        self.initialFilter = filter
        self.levels = Mutex(Levels(filter: filter))
    }

    /// A logger whose label is the target of its lines.
    package func logger(_ label: String) -> Logger {
        Logger(label: label, factory: handler(label:))
    }

    /// For `LoggingSystem.bootstrap`, so that libraries log here too.
    package func handler(label: String) -> any LogHandler {
        LogOutputHandler(target: label, threshold: levelSwitch(for: label), output: self)
    }

    /// What is in force.
    package var filter: LogFilter { levels.withLock { $0.filter } }

    /// In force at once for every logger already made.
    package func setFilter(_ filter: LogFilter) {
        levels.withLock { levels in
            levels.filter = filter
            for (target, threshold) in levels.switches { threshold.level = filter.level(for: target) }
        }
    }

    /// Back to what the process started with.
    package func resetFilter() { setFilter(initialFilter) }

    func levelSwitch(for target: String) -> LevelSwitch {
        levels.withLock { levels in
            if let known = levels.switches[target] { return known }
            let made = LevelSwitch(levels.filter.level(for: target))
            levels.switches[target] = made
            return made
        }
    }
}

/// The level of one target, read without a lock on every log statement.
final class LevelSwitch: Sendable {
    private let raw: Atomic<Int>

    init(_ level: LogLevel) { raw = Atomic(level.rawValue) }

    var level: LogLevel {
        get { LogLevel(rawValue: raw.load(ordering: .relaxed)) ?? .info }
        set { raw.store(newValue.rawValue, ordering: .relaxed) }
    }
}
