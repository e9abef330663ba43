/// How soon a file that somebody else changed is put right again: at once when it happens now and then, ever later when
/// another program keeps writing it. Pure.
struct RepairPace: Hashable, Sendable {
    /// A program that writes a file in pieces is done by then.
    static let shortest = Duration.milliseconds(200)
    static let longest = Duration.seconds(60)
    /// Repairs further back do not count any more.
    private static let memory = Duration.seconds(600)

    private var repairs: [ContinuousClock.Instant] = []

    /// Repairs of the last ten minutes.
    private(set) var count = 0

    /// A repair was made.
    mutating func repaired(at now: ContinuousClock.Instant) {
        repairs.append(now)
        forget(now)
    }

    /// How long the next change waits for its repair.
    mutating func delay(at now: ContinuousClock.Instant) -> Duration {
        forget(now)
        return min(Self.shortest * (1 << min(max(count - 1, 0), 10)), Self.longest)
    }

    private mutating func forget(_ now: ContinuousClock.Instant) {
        repairs.removeAll { now - $0 > Self.memory }
        count = repairs.count
    }
}
