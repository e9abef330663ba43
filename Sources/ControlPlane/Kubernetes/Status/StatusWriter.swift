package import ControlTranslate
internal import FoundationEssentials
package import Logging
internal import MeshModel
internal import Synchronization

/// Writes statuses to an API server, as `StatusMachine` says. Everything but `run` may be called from anywhere and
/// never waits.
package final class StatusWriter: Sendable {
    /// Who we are in `metadata.managedFields`.
    static let manager = "apusd-status"

    private struct State {
        var machine: StatusMachine
        /// What the log has of each kind, so that a thousand objects with one trouble are one line.
        var told: [ResourceKind: Set<String>] = [:]
    }

    private let configuration: ClusterConfiguration
    private let timing: SourceTiming
    private let log: Logger
    private let state: Mutex<State>
    private let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(
        _ configuration: ClusterConfiguration, limits: StatusLimits = StatusLimits(),
        timing: SourceTiming = SourceTiming(), logger: Logger
    ) {
        self.configuration = configuration
        self.timing = timing
        log = logger
        state = Mutex(State(machine: StatusMachine(limits)))
    }

    /// Of several control planes one may write; nobody does until this is said.
    package func enable(_ isEnabled: Bool) { change { $0.enable(isEnabled) } }

    /// What the statuses should say.
    package func wish(_ world: DesiredWorld) {
        let wishes = StatusWish.all(of: world)
        change { $0.wish(wishes) }
    }

    /// Requests made so far.
    package var counts: (writes: Int, reads: Int) {
        state.withLock { ($0.machine.writeCount, $0.machine.readCount) }
    }

    func observe(_ served: ServedKind, _ objects: [String: StoredObject]) {
        guard StatusKinds.all.contains(served.kind) else { return }
        change { $0.observe(served, objects) }
    }

    func forget(_ kind: ResourceKind) { change { $0.forget(kind) } }

    private func change(_ body: (inout StatusMachine) -> Void) {
        state.withLock { body(&$0.machine) }
        waker.yield()
    }

    /// Until the task is cancelled.
    package func run() async {
        let client: APIClient
        do {
            client = try APIClient(configuration, timing)
        } catch {
            log.error("no status can be written: \(error)")
            return
        }
        await withDiscardingTaskGroup { group in
            var timer: Task<Void, Never>?
            for await _ in wakes {
                let time = Date.ISO8601FormatStyle().format(Date())
                let (requests, next) = state.withLock { state in
                    let now = Clock.nowMilliseconds
                    let requests = state.machine.requests(nowMilliseconds: now, time: time)
                    return (requests, state.machine.nextLook(nowMilliseconds: now).map { max(1, $0 - now) })
                }
                tellTroubles()
                for request in requests { group.addTask { await self.carryOut(request, client) } }
                timer?.cancel()
                timer = next.map { milliseconds in
                    Task {
                        // Cancelled: somebody else has looked.
                        guard (try? await Task.sleep(for: .milliseconds(milliseconds))) != nil else { return }
                        self.waker.yield()
                    }
                }
            }
            timer?.cancel()
            group.cancelAll()
        }
        await client.close()
    }

    private func carryOut(_ request: StatusMachine.Request, _ client: APIClient) async {
        let key = request.key
        let namespace = key.namespace.isEmpty ? nil : key.namespace
        let result: Result<JSONValue, APIFailure>
        do {
            switch request {
            case .read(_, let served):
                result = .success(
                    try await client.read(ObjectPlace(served, namespace: namespace, name: key.name)))
            case .patch(_, let served, let part, let patch, _):
                let place = ObjectPlace(served, namespace: namespace, name: key.name)
                result = .success(
                    try await client.send(.merge(patch, at: place, manager: Self.manager, subresource: part)))
            }
        } catch {
            result = .failure(error)
        }
        guard !Task.isCancelled else { return }
        change {
            $0.take(
                result, of: request, nowMilliseconds: Clock.nowMilliseconds, chance: Double.random(in: 0..<1))
        }
    }

    private func tellTroubles() {
        let lines = state.withLock { state in
            state.machine.takeTroubles().compactMap { key, trouble -> String? in
                guard let trouble else {
                    state.told[key.kind] = nil
                    return nil
                }
                let isNew = state.told[key.kind, default: []].insert("\(trouble)").inserted
                return isNew ? "status of \(key): \(trouble)" : nil
            }
        }
        for line in lines { log.warning("\(line)") }
    }
}
