package import Logging
internal import MeshModel
internal import Synchronization

/// Whether this process is the leader at this very moment.
package final class Leadership: Sendable {
    private struct State {
        var leadsUntil: Int64?
        var holder = ""
    }

    private let state = Mutex(State())

    package init() {}

    /// True until a renewal is overdue, even if nobody has noticed yet. To be asked before each write.
    package var isLeader: Bool {
        let now = Clock.nowMilliseconds
        return state.withLock { state in state.leadsUntil.map { now < $0 } ?? false }
    }

    /// Who holds the lease, as far as is known; empty: nobody.
    package var holder: String { state.withLock { $0.holder } }

    func set(until: Int64?, holder: String) {
        state.withLock { $0 = State(leadsUntil: until, holder: holder) }
    }
}

/// Does what an election says, against the API server.
package final class LeaseKeeper: Sendable {
    private static let answerSeconds = 4

    /// Grows and shrinks with what the election says.
    package let leadership = Leadership()

    private let client: APIClient
    private let lease: LeaseObject
    private let name: String
    private let timing: LeaseTiming
    private let log: Logger
    private let onChange: @Sendable (Bool) -> Void
    private let trouble = Mutex<APIFailure?>(nil)

    /// - Parameters:
    ///   - lease: name of the Lease.
    ///   - name: of this process in the lease; of this life of it only.
    ///   - onChange: hears when leadership begins, and when its end is noticed.
    package init(
        _ client: APIClient, namespace: String, lease: String, name: String, timing: LeaseTiming = LeaseTiming(),
        log: Logger, onChange: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        self.client = client
        self.lease = LeaseObject(namespace: namespace, name: lease)
        self.name = name
        self.timing = timing
        self.log = log
        self.onChange = onChange
    }

    /// Until the task is cancelled; then the lease is given back if it is ours.
    package func run() async {
        var election = LeaseElection(name: name, timing: timing)
        var action = election.start
        while !Task.isCancelled {
            let event = await perform(action)
            guard !Task.isCancelled else { break }
            action = election.handle(event, now: Clock.nowMilliseconds)
            tell(election)
        }
        let last = election.handle(.stop, now: Clock.nowMilliseconds)
        tell(election)
        guard case .write = last else { return }
        // In a task of its own, because this one is cancelled already.
        _ = await Task { await self.perform(last) }.value
    }

    private func tell(_ election: LeaseElection) {
        let was = told.withLock { $0 }
        let until = election.leadsUntil(now: Clock.nowMilliseconds)
        leadership.set(until: until, holder: election.holder)
        guard was != (until != nil) else { return }
        told.withLock { $0 = until != nil }
        log.info(until != nil ? "this process leads" : "this process does not lead any more", metadata: [
            "lease": "\(lease.name)", "holder": "\(election.holder)",
        ])
        onChange(until != nil)
    }

    private let told = Mutex(false)

    private func perform(_ action: LeaseElection.Action) async -> LeaseElection.Event {
        switch action {
        case .wait(let milliseconds):
            try? await Task.sleep(for: .milliseconds(milliseconds))
            return .elapsed
        case .read:
            do {
                let object = try await client.read(lease.place, seconds: Self.answerSeconds)
                say(nil)
                return .found(lease.record(object))
            } catch {
                return answered(error)
            }
        case .write(let record):
            let sentAt = Clock.nowMilliseconds
            do {
                let object = try await client.send(lease.write(record), seconds: Self.answerSeconds)
                say(nil)
                guard let written = lease.record(object), !written.revision.isEmpty else { return .failed }
                return .written(revision: written.revision, sentAt: sentAt)
            } catch {
                let event = answered(error)
                return event == .found(nil) ? .overtaken : event
            }
        case .end: return .elapsed
        }
    }

    private func answered(_ failure: APIFailure) -> LeaseElection.Event {
        switch failure {
        case .missing: return .found(nil)
        case .exists, .conflict: return .overtaken
        default:
            say(failure)
            return .failed
        }
    }

    /// Each trouble once, and its end.
    private func say(_ failure: APIFailure?) {
        let before = trouble.withLock { trouble in
            defer { trouble = failure }
            return trouble
        }
        switch (before, failure) {
        case (nil, let failure?):
            let hint = failure.isForbidden ? "; apusd needs the right to get, create and update leases" : ""
            log.warning("the lease \(lease.name) cannot be read or written: \(failure)\(hint)")
        case (_?, nil): log.info("the lease \(lease.name) can be read and written again")
        default: break
        }
    }
}
