internal import MeshModel
internal import NIOCore
internal import WaypointResilience
internal import WaypointRoute

/// The tries of one request at endpoints. A class: an exchange looks at them at every step.
final class Tries {
    var schedule: RetrySchedule
    let search: UpstreamSearch
    /// For the client, as consistent hashing by cookies asks for one.
    var cookie: String?
    /// What this try has under way, where rules of traffic count it.
    var lease: EndpointLease?
    /// A retry that a circuit breaker counts.
    var retryLease: EndpointLease?
    /// From 1.
    var attempt = 0
    /// Tells a search that is no longer wanted.
    var number = 0
    /// A retry that was taken from the budget is running.
    var holdsRetry = false
    /// A connection that had carried other exchanges was dead, and this request was repeated for it.
    var isRepeated = false
    let deadline: NIODeadline?

    init(schedule: RetrySchedule, search: UpstreamSearch, deadline: NIODeadline?) {
        self.schedule = schedule
        self.search = search
        self.deadline = deadline
    }

    /// Whether the circuit breaker lets another retry through. With a budget, that alone decides, as at Envoy.
    func takesRetry() -> Bool {
        do throws(ConnectionFailure) {
            retryLease = try leaseRetry()
        } catch {
            return false
        }
        return true
    }

    /// What another retry takes of the circuit breaker; `nil`: nothing.
    func leaseRetry() throws(ConnectionFailure) -> EndpointLease? {
        guard let cluster = search.cluster, cluster.policy.retryBudget == nil else { return nil }
        let lease = EndpointLease(cluster)
        try lease.take(.retries)
        return lease
    }
}
