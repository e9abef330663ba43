import SeededTesting

@testable import ControlKubernetes

/// An API server as far as an informer sees it: objects, their versions, and a memory of changes that is cut off from
/// time to time.
struct ModelServer {
    typealias Machine = Informer<Int>

    private(set) var objects: [String: Int] = [:]
    private(set) var revision = 1
    /// Changes, each with the version it made.
    private var history: [(revision: Int, change: Machine.Change)] = []
    /// Versions before this one are forgotten.
    private var oldest = 1
    private var snapshots: [Int: [String: Int]] = [:]

    mutating func change(_ generator: inout SeededGenerator) {
        revision += 1
        let key = "key\(Int.random(in: 0..<12, using: &generator))"
        if objects[key] != nil, Int.random(in: 0..<3, using: &generator) == 0 {
            objects[key] = nil
            history.append((revision, .delete(key: key, revision: "\(revision)")))
        } else {
            let value = Int.random(in: 0..<4, using: &generator)
            objects[key] = value
            history.append((revision, .put(key: key, value: value, revision: "\(revision)")))
        }
    }

    mutating func forget() {
        oldest = revision
        history = []
        snapshots = [:]
    }

    /// A page, or 410.
    mutating func list(continuing: String?, limit: Int?) -> Machine.Event {
        var (version, offset) = (revision, 0)
        if let continuing {
            let parts = continuing.split(separator: "/").compactMap { Int($0) }
            (version, offset) = (parts[0], parts[1])
            guard snapshots[version] != nil else { return .failed(.expired) }
        } else {
            snapshots[version] = objects
        }
        let all = (snapshots[version] ?? [:]).sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
        let end = min(all.count, offset + (limit ?? all.count))
        let token = end < all.count ? "\(version)/\(end)" : nil
        return .page(Machine.Page(objects: Array(all[offset..<end]), continuing: token, revision: "\(version)"))
    }

    /// What a watch from a version on hears next; `nil`: nothing until something changes.
    func next(after seen: Int) -> Machine.Event? {
        if seen < oldest { return .failed(.expired) }
        return history.first { $0.revision > seen }.map { .change($0.change) }
    }
}

/// An informer, its server, and what happens between them.
struct Simulation: SeededMaker {
    var generator: SeededGenerator
    var server = ModelServer()
    var machine = ModelServer.Machine(pageLimit: 3)
    private var action: ModelServer.Machine.Action
    /// The version up to which the open watch has been told.
    private var seen = 0
    private var now: Int64 = 0
    private(set) var longestWait = 0

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        action = machine.start
    }

    private static let failures: [APIFailure] = [
        .unauthorized, .forbidden("no"), .missing, .expired, .busy(retryAfterSeconds: 1), .busy(retryAfterSeconds: nil),
        .status(500, ""), .status(400, ""), .connection("cut"), .timeout, .malformed("is garbage"), .tooLarge(1),
    ]

    private mutating func handle(_ event: ModelServer.Machine.Event) {
        let chance = Double.random(in: 0..<1, using: &generator)
        guard let next = machine.handle(event, nowMilliseconds: now, chance: chance) else { return }
        if case .wait(let milliseconds) = next { longestWait = max(longestWait, milliseconds) }
        if case .watch(let revision) = next { seen = Int(revision) ?? 0 }
        action = next
    }

    private mutating func follow() {
        switch action {
        case .list(let continuing, let limit): handle(server.list(continuing: continuing, limit: limit))
        case .wait(let milliseconds):
            now += Int64(milliseconds)
            handle(.elapsed)
        case .watch:
            handle(.opened)
            guard let event = server.next(after: seen) else { return }
            if case .change(let change) = event { seen = change.version }
            handle(event)
        }
    }

    /// One thing happens, good or bad.
    mutating func step() {
        now += Int64.random(in: 0..<1500, using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<5: server.change(&generator)
        case 5: server.forget()
        case 6..<9:
            if case .wait = action { follow() } else { handle(.failed(pick(Self.failures, or: .timeout))) }
        case 9:
            // What does not belong to what is under way must change nothing.
            handle(pick([.elapsed, .ended], or: .ended))
        case 10:
            if case .watch = action { handle(.change(.bookmark(revision: "\(seen)"))) }
        default: follow()
        }
    }

    /// Nothing bad happens any more.
    mutating func settle() {
        for _ in 0..<200 { follow() }
    }
}

extension Informer<Int>.Change {
    /// The version it says.
    fileprivate var version: Int {
        switch self {
        case .put(_, _, let revision), .delete(_, let revision), .bookmark(let revision): Int(revision) ?? 0
        }
    }
}
