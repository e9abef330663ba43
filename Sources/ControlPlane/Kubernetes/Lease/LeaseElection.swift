/// Times of an election, in milliseconds; the values of Kubernetes' own controllers (k8s.io/component-base,
/// LeaderElectionConfiguration).
package struct LeaseTiming: Hashable, Sendable {
    /// A lease that nobody has renewed for so long may be taken.
    package var durationMilliseconds: Int64 = 15_000
    /// The holder counts itself leader for so long after it has sent a renewal that succeeded. As it is shorter, two
    /// never lead at once unless one's clock runs half as fast again as the other's; what clocks show is of no account.
    package var leadMilliseconds: Int64 = 10_000
    /// Between renewals, and between looks of those who wait.
    package var retryMilliseconds: Int64 = 2000

    package init() {}
}

/// A lease as it stands on the API server.
package struct LeaseRecord: Hashable, Sendable {
    /// Empty: it was given back.
    package var holder: String
    package var durationMilliseconds: Int64
    /// How often it has gone from one holder to another.
    package var transitions: Int
    /// metadata.resourceVersion; empty in what is to be written for the first time.
    package var revision: String

    package init(holder: String, durationMilliseconds: Int64, transitions: Int, revision: String) {
        self.holder = holder
        self.durationMilliseconds = durationMilliseconds
        self.transitions = transitions
        self.revision = revision
    }
}

/// One candidate in the election of a leader by a lease (kubernetes.io, "Leases"). Pure: what happened and the time go
/// in, what to do comes out; there is always exactly one thing to do. A lease counts as fresh from the moment at which
/// this candidate has first seen its version, by its own clock: no two clocks are ever compared.
package struct LeaseElection: Sendable {
    /// What to do next.
    package enum Action: Hashable, Sendable {
        case read
        /// Write this, if the version is still the one that it names; make it anew if that is empty.
        case write(LeaseRecord)
        case wait(milliseconds: Int64)
        /// After `stop`: nothing is left to do.
        case end
    }

    /// What has happened.
    package enum Event: Hashable, Sendable {
        /// The lease was read; `nil`: there is none.
        case found(LeaseRecord?)
        /// The write has succeeded. `sentAt`: when it was begun.
        case written(revision: String, sentAt: Int64)
        /// The lease is another one than the write was for, or somebody has made it.
        case overtaken
        /// No answer, or one that says nothing of the lease. A write may have happened.
        case failed
        /// The wait is over.
        case elapsed
        /// This candidate goes: what it holds is given back.
        case stop
    }

    private let name: String
    private let timing: LeaseTiming
    private var seen: LeaseRecord?
    private var seenAt: Int64 = 0
    private var draft: LeaseRecord?
    private var leadsUntil: Int64?
    /// The lease is to be looked at before anything is written.
    private var mustRead = true
    private var isStopping = false

    /// - Parameter name: of this candidate; nobody else may ever have it, not even its own next life.
    package init(name: String, timing: LeaseTiming = LeaseTiming()) {
        self.name = name
        self.timing = timing
    }

    package var start: Action { .read }

    /// Who holds the lease, as far as is known; empty: nobody.
    package var holder: String { seen?.holder ?? "" }

    /// Until when this candidate leads unless it renews; `nil`: it does not.
    package func leadsUntil(now: Int64) -> Int64? { leadsUntil.flatMap { now < $0 ? $0 : nil } }

    /// Takes in what happened, and says what to do next.
    /// - Parameter now: milliseconds of a clock that never goes back.
    package mutating func handle(_ event: Event, now: Int64) -> Action {
        switch event {
        case .found(let record):
            mustRead = false
            if record != seen || record == nil {
                seen = record
                seenAt = now
            }
            return judge(now)
        case .written(let revision, let sentAt):
            return written(revision, sentAt: sentAt, now)
        case .overtaken:
            // Perhaps by a write of our own of which the answer was lost: who holds it is looked at first.
            mustRead = true
            return isStopping ? .end : .read
        case .failed:
            mustRead = true
            return isStopping ? .end : .wait(milliseconds: timing.retryMilliseconds)
        case .elapsed:
            return mustRead || seen?.holder != name ? .read : judge(now)
        case .stop:
            isStopping = true
            leadsUntil = nil
            guard let seen, seen.holder == name, !mustRead else { return .end }
            // A second is the shortest that the API takes; an empty name is what says that it is free.
            return write(
                LeaseRecord(
                    holder: "", durationMilliseconds: 1000, transitions: seen.transitions, revision: seen.revision))
        }
    }

    private mutating func written(_ revision: String, sentAt: Int64, _ now: Int64) -> Action {
        guard var record = draft else { return .read }
        record.revision = revision
        seen = record
        seenAt = now
        draft = nil
        guard !isStopping, record.holder == name else { return isStopping ? .end : .read }
        leadsUntil = sentAt + timing.leadMilliseconds
        return .wait(milliseconds: timing.retryMilliseconds)
    }

    private mutating func judge(_ now: Int64) -> Action {
        guard !isStopping else { return .end }
        guard let seen else { return write(held(transitions: 0, revision: "")) }
        if seen.holder == name { return write(held(transitions: seen.transitions, revision: seen.revision)) }
        leadsUntil = nil
        let age = now - seenAt
        guard seen.holder.isEmpty || age >= seen.durationMilliseconds else {
            let rest = seen.durationMilliseconds - age
            return .wait(milliseconds: max(1, min(timing.retryMilliseconds, rest)))
        }
        return write(held(transitions: seen.transitions + 1, revision: seen.revision))
    }

    private func held(transitions: Int, revision: String) -> LeaseRecord {
        LeaseRecord(
            holder: name, durationMilliseconds: timing.durationMilliseconds, transitions: transitions,
            revision: revision)
    }

    private mutating func write(_ record: LeaseRecord) -> Action {
        draft = record
        return .write(record)
    }
}
