import FoundationEssentials

/// The wall clock.
package enum UnixClock {
    /// Unix time in milliseconds.
    package static func milliseconds() -> Int64 {
        Int64(Date.now.timeIntervalSince1970 * 1000)
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
