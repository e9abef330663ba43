internal import Logging
internal import NIOCore

/// Does what the informer of one kind says, and tells what it holds.
struct KindWatcher: Sendable {
    typealias Machine = APIReader.Machine

    /// What a watcher tells.
    struct Report: Sendable {
        let served: ServedKind
        var status: KindStatus
        /// All objects by their keys; `nil`: as before.
        var objects: [String: StoredObject]?
        var isMissing = false
    }

    let served: ServedKind
    let client: APIClient
    let timing: SourceTiming
    let log: Logger
    let tell: @Sendable (Report) async -> Void

    private struct Progress {
        var machine: Machine
        /// The trouble that stands in the log without its end.
        var told: APIFailure?
    }

    private var reader: APIReader { APIReader(served: served) }

    /// Until the task is cancelled.
    @concurrent func run() async {
        var progress = Progress(machine: Machine(pageLimit: timing.pageLimit))
        var action = progress.machine.start
        while !Task.isCancelled {
            let next: Machine.Action?
            switch action {
            case .list(let continuing, let limit):
                await report(&progress, .listing)
                next = await list(&progress, served.listPath(continuing: continuing, limit: limit))
            case .watch(let revision):
                await report(&progress, .watching)
                next = await watch(&progress, revision)
            case .wait(let milliseconds):
                await report(&progress, .waiting)
                try? await Task.sleep(for: .milliseconds(milliseconds))
                next = handle(&progress, .elapsed)
            }
            guard !Task.isCancelled else { return }
            action = next ?? action
        }
    }

    private func handle(_ progress: inout Progress, _ event: Machine.Event) -> Machine.Action? {
        progress.machine.handle(event, nowMilliseconds: Clock.nowMilliseconds, chance: Double.random(in: 0..<1))
    }

    private func list(_ progress: inout Progress, _ path: String) async -> Machine.Action? {
        do {
            let page = try reader.page(try await client.get(path, accept: served.acceptList))
            return handle(&progress, .page(page))
        } catch {
            return handle(&progress, .failed(error))
        }
    }

    private func watch(_ progress: inout Progress, _ revision: String) async -> Machine.Action? {
        let seconds = timing.watchSeconds + Int.random(in: 0...(timing.watchSeconds / 2))
        let path = served.watchPath(revision: revision, timeoutSeconds: seconds)
        var lines = LineSplitter(lineBytesMax: timing.lineBytesMax)
        do {
            try await client.stream(path, accept: served.accept) { piece async throws(APIFailure) in
                if piece.readableBytes == 0 { _ = handle(&progress, .opened) }
                for line in try lines.feed(piece.readableBytesView) {
                    _ = handle(&progress, .change(try reader.change(line)))
                }
                await report(&progress, .watching)
            }
            return handle(&progress, .ended)
        } catch {
            // What came before the failure counts.
            await report(&progress, .watching)
            return handle(&progress, .failed(error))
        }
    }

    private func report(_ progress: inout Progress, _ state: KindStatus.State) async {
        say(progress.machine.trouble, &progress.told)
        let hasChanged = progress.machine.takeChange()
        let machine = progress.machine
        var status = KindStatus(name: served.kind.name, state: state)
        status.version = served.version
        status.isSynced = machine.isSynced
        status.objects = machine.objects.count
        status.resourceVersion = machine.revision
        status.lists = machine.listCount
        status.trouble = machine.trouble?.description
        await tell(
            Report(
                served: served, status: status, objects: hasChanged ? machine.objects : nil,
                isMissing: machine.trouble == .missing))
    }

    /// Each trouble once, and its end.
    private func say(_ trouble: APIFailure?, _ told: inout APIFailure?) {
        defer { told = trouble }
        switch (told, trouble) {
        case (nil, let trouble?):
            log.warning("\(served.kind.name) cannot be read: \(trouble); trying again")
        case (_?, nil):
            log.info("\(served.kind.name) can be read again")
        case (let old?, let new?) where new.isForbidden && !old.isForbidden:
            log.warning("\(served.kind.name) cannot be read: \(new); trying again")
        default: break
        }
    }
}

/// The clock of all waits.
enum Clock {
    private static let start = ContinuousClock.now

    /// Never goes back.
    static var nowMilliseconds: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
