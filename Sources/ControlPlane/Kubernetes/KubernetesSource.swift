package import ControlTranslate
package import Logging
internal import Synchronization

/// Reads the resources of the mesh from an API server and says when they changed.
package actor KubernetesSource {
    /// What every kind's state is; may be asked from anywhere.
    package final class StatusBoard: Sendable {
        private let kinds = Mutex<[KindStatus]>([])

        /// In the order of the kinds' table.
        package var current: [KindStatus] { kinds.withLock { $0 } }

        func publish(_ statuses: [KindStatus]) { kinds.withLock { $0 = statuses } }
    }

    /// For people.
    package nonisolated let statusBoard = StatusBoard()

    private let configuration: ClusterConfiguration
    private let timing: SourceTiming
    private let log: Logger
    private let statusWriter: StatusWriter?
    private let onWaiting: @Sendable ([String]) -> Void
    private var ledger: KindLedger
    private var table = ObjectTable()
    private var statuses: [ResourceKind: KindStatus] = [:]
    private var watchers: [ResourceKind: Task<Void, Never>] = [:]
    private var nextDiscovery: Int64 = 0
    private var pausing: Task<Void, Never>?
    private var hurryUntil: Int64 = 0
    private var discoveryBackoff = Backoff()
    private var discoveryTrouble: APIFailure?
    /// Kinds of which the last look could not say anything, and why.
    private var troubles: [ResourceKind: APIFailure] = [:]
    private var hasDelivered = false
    private var changes = 0
    private let (dirty, dirtied) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private static let kinds = ResourceKind.all + [.definitions]

    /// - Parameters:
    ///   - statusWriter: gets the objects that have a status of ours.
    ///   - onWaiting: hears what the first state still waits for, until nothing is left.
    package init(
        _ configuration: ClusterConfiguration, timing: SourceTiming = SourceTiming(), logger: Logger,
        statusWriter: StatusWriter? = nil, onWaiting: @escaping @Sendable ([String]) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.timing = timing
        log = logger
        self.statusWriter = statusWriter
        self.onWaiting = onWaiting
        ledger = KindLedger(absenceMilliseconds: timing.absenceMilliseconds)
    }

    /// Calls back with the first state once every kind that the server has is known whole, then with each change, until
    /// the task is cancelled. The next change waits until the call has returned; changes in between become one.
    package func run(onChange: @escaping @Sendable (ResourceSet, [Finding]) async -> Void) async {
        tellStatus()
        let client: APIClient
        do {
            client = try APIClient(configuration, timing)
        } catch {
            log.error("the API server cannot be asked: \(error)")
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepDiscovering(client) }
            group.addTask { await self.keepDelivering(onChange) }
        }
        for watcher in watchers.values { watcher.cancel() }
        for watcher in watchers.values { await watcher.value }
        await client.close()
    }

    // MARK: - Which kinds there are

    private func keepDiscovering(_ client: APIClient) async {
        while !Task.isCancelled {
            let left = nextDiscovery - Clock.nowMilliseconds
            if left <= 0 { await discover(client) } else { await pause(milliseconds: left) }
        }
    }

    /// Until the time is over or somebody is in a hurry.
    private func pause(milliseconds: Int64) async {
        let pause = Task<Void, Never> { try? await Task.sleep(for: .milliseconds(milliseconds)) }
        pausing = pause
        await withTaskCancellationHandler { await pause.value } onCancel: { pause.cancel() }
        pausing = nil
    }

    private func discover(_ client: APIClient) async {
        do {
            let found = try await Discovery(client: client).look(for: Self.kinds)
            let now = Clock.nowMilliseconds
            if discoveryTrouble != nil { log.info("the API server can be asked for its kinds again") }
            discoveryTrouble = nil
            discoveryBackoff.reset()
            let absentBefore = ledger.absent
            for order in ledger.take(found, nowMilliseconds: now) { carryOut(order, client) }
            let off = ledger.absent.subtracting(absentBefore).map(\.name).sorted()
            if !off.isEmpty {
                log.info("the API server does not have \(off.joined(separator: ", ")): looked for again all the time")
            }
            let pause = now < hurryUntil ? timing.hurriedDiscoveryMilliseconds : timing.discoveryMilliseconds
            troubles = found.compactMapValues { if case .unknown(let failure) = $0 { failure } else { nil } }
            nextDiscovery = now + (troubles.isEmpty ? pause : min(pause, timing.hurriedDiscoveryMilliseconds))
        } catch {
            guard !Task.isCancelled else { return }
            if discoveryTrouble == nil {
                log.warning("the API server cannot be asked for its kinds: \(error); trying again")
            }
            discoveryTrouble = error
            // Rights to discovery come with those to anything else, so they are not waited for that slowly.
            let failure = error.isForbidden ? nil : error
            nextDiscovery = Clock.nowMilliseconds
                + Int64(discoveryBackoff.next(after: failure, chance: Double.random(in: 0..<1)))
        }
        tellStatus()
        dirtied.yield()
    }

    private func hurry() {
        let now = Clock.nowMilliseconds
        hurryUntil = now + timing.hurryMilliseconds
        nextDiscovery = min(nextDiscovery, now + timing.hurriedDiscoveryMilliseconds)
        pausing?.cancel()
    }

    private func carryOut(_ order: KindLedger.Order, _ client: APIClient) {
        switch order {
        case .start(let served):
            log.info("\(served.kind.name): reading version \(served.version)")
            watchers[served.kind]?.cancel()
            let watcher = KindWatcher(served: served, client: client, timing: timing, log: log) { [weak self] in
                await self?.take($0)
            }
            // Of a version before, what it held stays until this one has its list.
            watchers[served.kind] = Task { await watcher.run() }
        case .stop(let kind):
            log.warning("\(kind.name): the API server does not have it any more; its objects are gone")
            watchers.removeValue(forKey: kind)?.cancel()
            statuses[kind] = nil
            statusWriter?.forget(kind)
            table.remove(kind)
            changes += 1
        }
    }

    // MARK: - What they hold

    private func take(_ report: KindWatcher.Report) {
        let kind = report.served.kind
        // A watcher that was cancelled may have its last word still under way.
        guard ledger.served[kind] == report.served else { return }
        statuses[kind] = report.status
        if report.isMissing { hurry() }
        if let objects = report.objects, report.status.isSynced {
            if kind == .definitions {
                hurry()
            } else {
                statusWriter?.observe(report.served, objects)
                if table.set(kind, objects) {
                    changes += 1
                    dirtied.yield()
                }
            }
        }
        tellStatus()
    }

    /// What the first state waits for.
    private var waiting: [String] {
        guard !hasDelivered else { return [] }
        let unknown = ResourceKind.all.filter { ledger.isUnknown($0) }
        let unsynced = ResourceKind.all.filter { ledger.served[$0] != nil && !table.has($0) }
        return (unknown.isEmpty ? [] : ["discovery of the API server's kinds"]) + unsynced.map(\.name)
    }

    private func tellStatus() {
        statusBoard.publish(
            Self.kinds.map { kind in
                if let status = statuses[kind], ledger.served[kind] != nil { return status }
                var status = KindStatus(name: kind.name, state: ledger.absent.contains(kind) ? .off : .unknown)
                if status.state == .unknown { status.trouble = (troubles[kind] ?? discoveryTrouble)?.description }
                return status
            })
        onWaiting(waiting)
    }

    private func keepDelivering(_ onChange: @Sendable (ResourceSet, [Finding]) async -> Void) async {
        for await _ in dirty {
            await untilQuiet()
            guard !Task.isCancelled, waiting.isEmpty, changes > 0 || !hasDelivered else { continue }
            changes = 0
            hasDelivered = true
            let (resources, findings) = table.merge()
            await onChange(resources, findings)
        }
    }

    private func untilQuiet() async {
        let end = Clock.nowMilliseconds + Int64(timing.quietMostMilliseconds)
        var seen = -1
        while seen != changes, Clock.nowMilliseconds < end, !Task.isCancelled {
            seen = changes
            try? await Task.sleep(for: .milliseconds(timing.quietMilliseconds))
        }
    }
}
