package import Logging

/// Levels by the names users type; `off` lets nothing through.
package enum LogLevel: Int, Comparable, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case trace, debug, info, warn, error, off

    /// `trace`, `debug`, `info`, `warn` or `warning`, `error`, `off`; any case.
    package init?(_ text: some StringProtocol) {
        let name = text.lowercased()
        guard let level = Self.allCases.first(where: { $0.description == name }) else {
            guard name == "warning" else { return nil }
            self = .warn
            return
        }
        self = level
    }

    package init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info, .notice: self = .info
        case .warning: self = .warn
        case .error, .critical: self = .error
        }
    }

    /// The least level that swift-log should let through.
    package var loggerLevel: Logger.Level {
        switch self {
        case .trace: return .trace
        case .debug: return .debug
        case .info: return .info
        case .warn: return .warning
        case .error: return .error
        case .off: return .critical
        }
    }

    package var description: String {
        switch self {
        case .trace: return "trace"
        case .debug: return "debug"
        case .info: return "info"
        case .warn: return "warn"
        case .error: return "error"
        case .off: return "off"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
