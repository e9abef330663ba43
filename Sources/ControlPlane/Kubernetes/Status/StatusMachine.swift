package import MeshModel

/// Keeps the statuses of objects as they are wished, with as few writes as that takes. Pure: wishes, what the API
/// server has, and answers go in; requests come out. A request is one object's; of each object there is one at most.
package struct StatusMachine: Sendable {
    /// What to ask of the API server.
    package enum Request: Hashable, Sendable {
        /// A merge patch of the object, or of its part; it says the version it was made from.
        case patch(StatusKey, ServedKind, subresource: String?, JSONValue, StatusWish)
        /// The object was changed by others meanwhile.
        case read(StatusKey, ServedKind)

        package var key: StatusKey {
            switch self {
            case .patch(let key, _, _, _, _), .read(let key, _): key
            }
        }
    }

    struct Table: Sendable {
        var served: ServedKind
        var objects: [String: StoredObject]
    }

    /// Of objects to which something was written, or will be.
    struct Entry: Sendable {
        /// What an answer said, in force while the informer has what it had then.
        struct Answer: Sendable {
            /// `nil`: it is gone.
            let object: ObservedObject?
            let over: ObservedObject?
        }

        /// What was refused, of which version: not again before either changes.
        struct Rest: Hashable, Sendable {
            let wish: StatusWish
            let object: ObservedObject
        }

        var answer: Answer?
        var isUnderWay = false
        /// Read it before it is written again.
        var needsRead = false
        var rest: Rest?
        var notBefore: Int64 = 0
        var backoff = Backoff()
        /// What was written last; to write it again is a repair.
        var written: StatusWish?
        var repairs: TokenBucket
        var trouble: StatusTrouble?
    }

    enum Step {
        case nothing
        case later
        case request(Request)
    }

    let limits: StatusLimits
    var tables: [ResourceKind: Table] = [:]
    var wishes: [StatusKey: StatusWish]?
    var entries: [StatusKey: Entry] = [:]
    var queue: [StatusKey] = []
    var queued: Set<StatusKey> = []
    var underWay = 0
    var bucket: TokenBucket
    var pausedUntil: Int64 = 0
    var pause = Backoff()
    /// Since the last look.
    var troubles: [(key: StatusKey, trouble: StatusTrouble?)] = []

    /// Only one of several control planes may write, but for the annotations of pods.
    package private(set) var isEnabled = false
    /// Requests that were given out, by what they are; for counting.
    package internal(set) var writeCount = 0
    package internal(set) var readCount = 0

    package init(_ limits: StatusLimits = StatusLimits()) {
        self.limits = limits
        bucket = TokenBucket(size: limits.burst, perMillisecond: Double(limits.perSecond) / 1000)
    }

    // MARK: - What comes in

    /// From now on we are the one who writes, or we are not. What is under way goes on.
    package mutating func enable(_ isEnabled: Bool) {
        guard self.isEnabled != isEnabled else { return }
        self.isEnabled = isEnabled
        guard isEnabled else { return }
        for kind in tables.keys { lookAtAll(of: kind) }
    }

    /// What all objects should say. Kinds that are read and not mentioned lose what was ours.
    package mutating func wish(_ new: [StatusWish]) {
        let old = wishes
        let wishes = Dictionary(new.map { ($0.key, $0) }) { first, _ in first }
        self.wishes = wishes
        guard let old else {
            for kind in tables.keys { lookAtAll(of: kind) }
            return
        }
        for (key, wish) in wishes where old[key] != wish { look(at: key) }
        for key in old.keys where wishes[key] == nil { look(at: key) }
    }

    /// All objects of a kind, as the informer has them.
    mutating func observe(_ served: ServedKind, _ objects: [String: StoredObject]) {
        let before = tables[served.kind]
        tables[served.kind] = Table(served: served, objects: objects)
        guard wishes != nil else { return }
        for (name, object) in objects where before?.objects[name] !== object {
            if let key = Self.key(served.kind, name) { look(at: key) }
        }
        for name in before?.objects.keys.filter({ objects[$0] == nil }) ?? [] {
            if let key = Self.key(served.kind, name) { forget(key) }
        }
    }

    /// The kind is gone, with its objects.
    package mutating func forget(_ kind: ResourceKind) {
        tables[kind] = nil
        for key in entries.keys where key.kind == kind { forget(key) }
    }

    /// What came of a request: the object as it is now.
    /// - Parameter chance: 0 ..< 1, anew for each call; spreads waits.
    package mutating func take(
        _ result: Result<JSONValue, APIFailure>, of request: Request, nowMilliseconds now: Int64, chance: Double
    ) {
        let key = request.key
        underWay -= 1
        guard var entry = entries[key] else { return }
        entry.isUnderWay = false
        let known = tables[key.kind]?.objects[key.objectKey]?.observed
        switch result {
        case .success(let value):
            pause.reset()
            let object = ObservedObject(value, of: key.kind)
            entry.answer = Entry.Answer(object: object, over: known)
            entry.needsRead = false
            if case .patch(_, _, _, _, let wish) = request { written(wish, &entry, object, key, now) }
        case .failure(.missing):
            // The informer will say so, or that there is a new one.
            entry.answer = Entry.Answer(object: nil, over: known)
            allIsWell(&entry, key, now)
        case .failure(.conflict):
            entry.needsRead = true
            // The first time somebody was faster; afterwards it may be a race.
            let isFirst = entry.backoff.failures == 0
            let wait = entry.backoff.next(after: nil, chance: chance)
            entry.notBefore = isFirst ? now : now + Int64(wait)
        case .failure(let failure): fail(&entry, failure, key, now, chance)
        }
        entries[key] = entry
        look(at: key)
    }

    private mutating func written(
        _ wish: StatusWish, _ entry: inout Entry, _ object: ObservedObject, _ key: StatusKey, _ now: Int64
    ) {
        entry.backoff.reset()
        entry.written = wish
        if StatusMerge.patch(wish, object, now: "") == nil {
            allIsWell(&entry, key, now)
        } else {
            entry.rest = Entry.Rest(wish: wish, object: object)
            tell(.ineffective, &entry, key)
        }
    }

    private mutating func fail(
        _ entry: inout Entry, _ failure: APIFailure, _ key: StatusKey, _ now: Int64, _ chance: Double
    ) {
        if failure.isRefusal, let wish = wish(for: key), let object = object(key, entry) {
            entry.rest = Entry.Rest(wish: wish, object: object)
            return tell(.refused(failure), &entry, key)
        }
        // A write that got no answer may have happened.
        entry.needsRead = true
        entry.notBefore = now + Int64(entry.backoff.next(after: failure, chance: chance))
        if failure.isPassing {
            // It is the server that is unwell, not the object.
            pausedUntil = max(pausedUntil, now + Int64(pause.next(after: failure, chance: chance)))
        }
        tell(.failed(failure), &entry, key)
    }
}

extension APIFailure {
    /// The same request would be refused again, and what it says is the reason.
    fileprivate var isRefusal: Bool {
        switch self {
        case .invalid, .exists: true
        case .status(let code, _): code < 500
        default: false
        }
    }
}
