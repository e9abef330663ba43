/// How long to wait before the next attempt: 10 ms, doubling to 15 s as Istio's ztunnel, each spread by a
/// fifth either way: the nodes of a mesh lose their control plane together and must not come back together. Pure.
package struct ReconnectDelay: Hashable, Sendable {
    package static let first = Duration.milliseconds(10)
    package static let longest = Duration.seconds(15)

    private var next = ReconnectDelay.first

    package init() {}

    /// The wait before the next attempt after a failure.
    package mutating func afterFailure(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { next = min(next * 2, Self.longest) }
        return min(Self.longest, next * Double.random(in: 0.8...1.2, using: &generator))
    }

    /// A stream worked: the next failure starts anew.
    package mutating func reset() { next = Self.first }
}
