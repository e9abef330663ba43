import FoundationEssentials

/// Where log lines take their time from. Tests give fixed ones.
package struct TelemetryClock: Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package let wallMicroseconds: @Sendable () -> Int64
    /// For durations; never goes back.
    package let monotonic: @Sendable () -> ContinuousClock.Instant

    package init(
        wallMicroseconds: @escaping @Sendable () -> Int64,
        monotonic: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.wallMicroseconds = wallMicroseconds
        self.monotonic = monotonic
    }

    /// The clocks of this machine.
    package static let system = TelemetryClock(
        wallMicroseconds: { Int64(Date().timeIntervalSince1970 * 1_000_000) },
        monotonic: { ContinuousClock.now }
    )
}
