import MeshIdentity
import MeshModel
import MeshTLS
import SeededTesting

func identity(_ name: String) -> Identity { Identity(namespace: "ns", serviceAccount: name) }

func unreachable(_ identity: Identity) -> IdentityError { .unreachable(identity: identity, reason: "down") }

/// The schedule with a clock of its own and an authority that does what the test says.
struct ScheduleHarness {
    struct Fetch: Equatable {
        let identity: Identity
        let ticket: UInt64
        let limit: Int64
        let startedAt: Int64
    }

    var schedule = CertificateSchedule()
    var generator: SeededGenerator
    var now: Int64 = 0
    var running: [Fetch] = []
    var abandoned: Set<UInt64> = []
    var drops: [(identity: Identity, at: Int64)] = []
    var announcements: [(identity: Identity, at: Int64)] = []

    init(seed: UInt64 = 1) { generator = SeededGenerator(seed: seed) }

    mutating func want(_ identity: Identity, _ priority: FetchPriority = .realTime) {
        take(schedule.want(identity, priority, now: now))
    }

    mutating func renewAll() { take(schedule.renewAll(now: now)) }

    /// Answers the oldest running fetch of the identity: it is taken back.
    mutating func withdraw(_ identity: Identity) {
        guard let index = running.firstIndex(where: { $0.identity == identity }) else { return }
        let fetch = running.remove(at: index)
        let error = IdentityError.notGiven(identity: identity, agent: "agent", reason: "none")
        take(schedule.failed(identity, ticket: fetch.ticket, error: error, now: now, using: &generator))
    }

    mutating func forget(_ identity: Identity) { take(schedule.forget(identity, now: now)) }

    /// Answers the oldest running fetch of the identity. `life`: how long the certificate will live; nil: a failure.
    @discardableResult
    mutating func answer(_ identity: Identity, life: Int64?) -> Bool {
        guard let index = running.firstIndex(where: { $0.identity == identity }) else { return false }
        let fetch = running.remove(at: index)
        guard let life else {
            let error = unreachable(identity)
            take(schedule.failed(identity, ticket: fetch.ticket, error: error, now: now, using: &generator))
            return true
        }
        let (isWanted, actions) = schedule.fetched(
            identity, ticket: fetch.ticket, expiresAt: now + life, now: now, using: &generator)
        take(actions)
        return isWanted
    }

    /// Lets time pass up to a moment, waking the schedule whenever it asks to be.
    mutating func advance(to time: Int64) {
        while let wake = schedule.nextWake, wake <= time {
            now = max(now, wake)
            take(schedule.tick(now: now))
        }
        now = max(now, time)
    }

    private mutating func take(_ actions: [CertificateSchedule.Action]) {
        for action in actions {
            switch action {
            case .fetch(let identity, let ticket, let limit):
                running.append(Fetch(identity: identity, ticket: ticket, limit: limit, startedAt: now))
            case .abandon(let ticket): abandoned.insert(ticket)
            case .drop(let identity): drops.append((identity, now))
            case .announceFailure(let identity): announcements.append((identity, now))
            }
        }
    }
}
