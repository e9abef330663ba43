package import MeshModel

/// Counts what one waypoint loop has under way to one service, and says no beyond the limits. Who has taken gives back.
package struct CircuitBreaker: Hashable, Sendable {
    /// What is counted.
    package enum Resource: Int, Hashable, Sendable, CaseIterable {
        case connections, pending, requests, retries
    }

    private let limits: ConnectionLimits
    private var counts: [Int] = Array(repeating: 0, count: Resource.allCases.count)
    /// Requests that were turned away.
    package private(set) var overflows: UInt64 = 0

    package init(_ limits: ConnectionLimits) { self.limits = limits }

    /// Other limits; what is under way stays counted.
    package init(_ limits: ConnectionLimits, continuing old: CircuitBreaker) {
        self.limits = limits
        counts = old.counts
        overflows = old.overflows
    }

    /// Takes one, if there is one left.
    package mutating func take(_ resource: Resource) -> Bool {
        guard count(resource) < limit(resource) else {
            overflows += 1
            return false
        }
        counts[resource.rawValue] += 1
        return true
    }

    /// Gives one back.
    package mutating func release(_ resource: Resource) {
        counts[resource.rawValue] = max(0, counts[resource.rawValue] - 1)
    }

    /// How many are taken.
    package func count(_ resource: Resource) -> Int { counts[resource.rawValue] }

    private func limit(_ resource: Resource) -> Int {
        let limit =
            switch resource {
            case .connections: limits.connectionsMax
            case .pending: limits.pendingMax
            case .requests: limits.requestsMax
            case .retries: limits.retriesMax
            }
        return limit.map { Int($0) } ?? .max
    }
}
