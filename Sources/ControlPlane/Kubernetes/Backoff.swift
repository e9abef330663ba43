/// How long to wait before the next attempt, in milliseconds.
struct Backoff: Hashable, Sendable {
    static let firstMilliseconds = 250
    static let mostMilliseconds = 30_000
    /// A server cannot make us wait longer than this by Retry-After.
    static let retryAfterMostSeconds = 60
    /// Rights are given by people, so they are asked for slowly.
    static let forbiddenMilliseconds = 60_000

    private(set) var failures = 0

    mutating func reset() { failures = 0 }

    /// Twice as long with each failure in a row, of which a part is left to chance so that clients spread out.
    /// - Parameter chance: 0 ..< 1.
    mutating func next(after failure: APIFailure?, chance: Double) -> Int {
        failures += 1
        let whole = min(Self.mostMilliseconds, Self.firstMilliseconds << min(failures - 1, 16))
        let spread = Double(whole) * (0.5 + chance / 2)
        switch failure {
        case .busy(let seconds?):
            let asked = Double(min(max(seconds, 0), Self.retryAfterMostSeconds) * 1000)
            return Int(max(spread, asked * (1 + chance / 4)))
        case .forbidden: return Int(Double(Self.forbiddenMilliseconds) * (0.75 + chance / 4))
        default: return Int(spread)
        }
    }
}
