package import MeshModel

/// When to ask for which certificate. A pure machine: no clock, no chance, no call of its own.
///
/// ```
/// want --> queued --> fetching --fetched--> waiting (half of its life) --> queued
///            ^           |                     |
///            |         failed                expired: dropped, the state becomes unavailable
///            +-- waiting (back-off) <----+
/// ```
/// What is held is kept while valid, whatever fails. At most so many fetches at once; of those queued the most urgent
/// first, in order of arrival. One fetch serves everybody who wants the identity. As in Istio's
/// ztunnel (src/identity/manager.rs).
package struct CertificateSchedule: Sendable {
    /// What its owner must do, in this order.
    package enum Action: Hashable, Sendable {
        /// Ask the authority, and tell the outcome under this ticket, in at most so many milliseconds.
        case fetch(Identity, ticket: UInt64, limit: Int64)
        /// Nobody waits for this fetch any more; its outcome must still be told.
        case abandon(ticket: UInt64)
        /// The held certificate is over: drop it and say so.
        case drop(Identity)
        /// A fetch failed while nothing is held: say so.
        case announceFailure(Identity)
    }

    package enum State: Hashable, Sendable {
        case initializing
        /// Held until then.
        case available(expiresAt: Int64)
        case unavailable(IdentityError)
    }

    private enum Plan: Hashable, Sendable {
        case waiting(until: Int64)
        case queued(FetchPriority)
        case fetching(ticket: UInt64)
    }

    private struct Entry: Hashable, Sendable {
        var plan: Plan
        var expiresAt: Int64?
        var failures = 0
        /// What is being fetched was asked for before there was something newer.
        var isStale = false
        var lastError: IdentityError?

        func isDue(_ now: Int64) -> Bool {
            if let expiresAt, expiresAt <= now { return true }
            if case .waiting(let time) = plan { return time <= now }
            return false
        }
    }

    private let timing: CertificateTiming
    private var entries: [Identity: Entry] = [:]
    private var queues: [[Identity]] = Array(repeating: [], count: FetchPriority.allCases.count)
    /// Fetches that have not been answered, abandoned ones included: each occupies the authority.
    private var unanswered: Set<UInt64> = []
    private var lastTicket: UInt64 = 0

    package init(timing: CertificateTiming = CertificateTiming()) { self.timing = timing }

    /// `nil`: nobody wants it.
    package func state(of identity: Identity) -> State? {
        guard let entry = entries[identity] else { return nil }
        if let expiresAt = entry.expiresAt { return .available(expiresAt: expiresAt) }
        return entry.lastError.map(State.unavailable) ?? .initializing
    }

    package var fetchCount: Int { unanswered.count }

    /// When ``tick(now:)`` has something to do next.
    package var nextWake: Int64? {
        var next: Int64?
        for entry in entries.values {
            if case .waiting(let time) = entry.plan { next = min(next ?? time, time) }
            if let time = entry.expiresAt { next = min(next ?? time, time) }
        }
        return next
    }

    /// Somebody wants the identity. Known already: a queued fetch may become more urgent, nothing else happens; in
    /// particular nobody can make us ask more often than the back-off allows.
    package mutating func want(_ identity: Identity, _ priority: FetchPriority, now: Int64) -> [Action] {
        if let entry = entries[identity] {
            guard case .queued(let present) = entry.plan, priority > present else { return [] }
            queues[present.rawValue].removeAll { $0 == identity }
            enqueue(identity, priority)
        } else {
            entries[identity] = Entry(plan: .queued(priority))
            queues[priority.rawValue].append(identity)
        }
        return startFetches(now: now)
    }

    /// Nobody wants the identity any more.
    package mutating func forget(_ identity: Identity, now: Int64) -> [Action] {
        guard let entry = entries.removeValue(forKey: identity) else { return [] }
        switch entry.plan {
        case .waiting: return []
        case .queued(let priority):
            queues[priority.rawValue].removeAll { $0 == identity }
            return []
        case .fetching(let ticket): return [.abandon(ticket: ticket)]
        }
    }

    /// There may be something else than before for everybody: asked for now, whatever wait was planned.
    package mutating func renewAll(now: Int64) -> [Action] {
        // By name, so that equal input gives equal output.
        for identity in entries.keys.sorted(by: { $0.principal < $1.principal }) {
            switch entries[identity]?.plan {
            case .waiting: enqueueAgain(identity)
            case .fetching: entries[identity]?.isStale = true
            case .queued, nil: continue
            }
        }
        return startFetches(now: now)
    }

    /// A fetch brought a certificate that is valid until then. Answers `false` when nobody wants it any more.
    package mutating func fetched(
        _ identity: Identity, ticket: UInt64, expiresAt: Int64, now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> (isWanted: Bool, actions: [Action]) {
        unanswered.remove(ticket)
        guard isCurrent(identity, ticket) else { return (false, startFetches(now: now)) }
        let renewal = timing.renewalTime(now: now, expiresAt: expiresAt, using: &generator)
        let isStale = entries[identity]?.isStale == true
        entries[identity] = Entry(plan: .waiting(until: renewal), expiresAt: expiresAt)
        if isStale { enqueueAgain(identity) }
        return (true, startFetches(now: now))
    }

    /// A fetch failed. A certificate that was withdrawn is dropped.
    package mutating func failed(
        _ identity: Identity, ticket: UInt64, error: IdentityError, now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        unanswered.remove(ticket)
        guard isCurrent(identity, ticket), var entry = entries[identity] else { return startFetches(now: now) }
        entry.failures += 1
        let isWithdrawn = error.isWithdrawal && entry.expiresAt != nil
        let isNews = entry.expiresAt == nil && entry.lastError != error
        entry.lastError = error
        if isWithdrawn { entry.expiresAt = nil }
        let time = timing.retryTime(
            now: now, failures: entry.failures, expiresAt: entry.expiresAt, using: &generator)
        entry.plan = .waiting(until: time)
        let isStale = entry.isStale
        entry.isStale = false
        entries[identity] = entry
        if isStale { enqueueAgain(identity) }
        let told: [Action] = isWithdrawn ? [.drop(identity)] : isNews ? [.announceFailure(identity)] : []
        return told + startFetches(now: now)
    }

    /// Time has passed.
    package mutating func tick(now: Int64) -> [Action] {
        var actions: [Action] = []
        // By name, so that equal input gives equal output.
        for (identity, entry) in entries.sorted(by: { $0.key.principal < $1.key.principal }) where entry.isDue(now) {
            if let expiresAt = entry.expiresAt, expiresAt <= now {
                let reason = entry.lastError.map(String.init(describing:)) ?? "no answer in time"
                entries[identity]?.expiresAt = nil
                entries[identity]?.lastError = .expired(identity: identity, lastFailure: reason)
                actions.append(.drop(identity))
            }
            if case .waiting(let time) = entry.plan, time <= now {
                enqueueAgain(identity)
            }
        }
        return actions + startFetches(now: now)
    }

    private func isCurrent(_ identity: Identity, _ ticket: UInt64) -> Bool {
        entries[identity]?.plan == .fetching(ticket: ticket)
    }

    private mutating func enqueueAgain(_ identity: Identity) {
        enqueue(identity, entries[identity]?.expiresAt == nil ? .warmUp : .refresh)
    }

    private mutating func enqueue(_ identity: Identity, _ priority: FetchPriority) {
        entries[identity]?.plan = .queued(priority)
        queues[priority.rawValue].append(identity)
    }

    private mutating func startFetches(now: Int64) -> [Action] {
        var actions: [Action] = []
        while unanswered.count < timing.concurrentFetchesMax, let identity = dequeue() {
            lastTicket += 1
            unanswered.insert(lastTicket)
            let limit = timing.callLimit(now: now, expiresAt: entries[identity]?.expiresAt)
            entries[identity]?.plan = .fetching(ticket: lastTicket)
            actions.append(.fetch(identity, ticket: lastTicket, limit: limit))
        }
        return actions
    }

    private mutating func dequeue() -> Identity? {
        for priority in FetchPriority.allCases.sorted(by: >) where !queues[priority.rawValue].isEmpty {
            return queues[priority.rawValue].removeFirst()
        }
        return nil
    }
}
