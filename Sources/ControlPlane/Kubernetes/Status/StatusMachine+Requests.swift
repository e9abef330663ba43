internal import MeshModel

extension StatusMachine {
    // MARK: - What goes out

    /// Requests to begin now.
    /// - Parameter time: RFC 3339, for conditions that change.
    package mutating func requests(nowMilliseconds now: Int64, time: String) -> [Request] {
        guard wishes != nil, now >= pausedUntil else { return [] }
        var requests: [Request] = []
        var later: [StatusKey] = []
        var place = 0
        while place < queue.count, underWay < limits.parallelMax, bucket.wait(now) == 0 {
            let key = queue[place]
            place += 1
            guard mayWrite(key) else {
                queued.remove(key)
                continue
            }
            switch step(key, now, time) {
            case .nothing: queued.remove(key)
            case .later: later.append(key)
            case .request(let request):
                queued.remove(key)
                _ = bucket.take(now)
                underWay += 1
                entries[key]?.isUnderWay = true
                if case .patch = request { writeCount += 1 } else { readCount += 1 }
                requests.append(request)
            }
        }
        queue.removeFirst(place)
        queue += later
        return requests
    }

    /// What pods are told is for each replica to write: of the nodes that report to it, and of no others.
    private func mayWrite(_ key: StatusKey) -> Bool { isEnabled || StatusKinds.pods.contains(key.kind) }

    /// When `requests` should be asked again although nothing has happened; `nil`: never.
    package mutating func nextLook(nowMilliseconds now: Int64) -> Int64? {
        guard wishes != nil, underWay < limits.parallelMax else { return nil }
        guard let due = queue.map({ entries[$0]?.notBefore ?? now }).min() else { return nil }
        return max(due, pausedUntil, now + bucket.wait(now))
    }

    /// What has gone wrong, or right again (`nil`), since this was last asked.
    package mutating func takeTroubles() -> [(key: StatusKey, trouble: StatusTrouble?)] {
        defer { troubles = [] }
        return troubles
    }

    mutating func step(_ key: StatusKey, _ now: Int64, _ time: String) -> Step {
        let known = entries[key]
        var entry = known ?? newEntry
        guard !entry.isUnderWay else { return .nothing }
        guard let served = tables[key.kind]?.served, let object = object(key, entry), let wish = wish(for: key) else {
            return .nothing
        }
        guard var patch = StatusMerge.patch(wish, object, now: time)?.members else {
            guard known != nil else { return .nothing }
            entry.needsRead = false
            allIsWell(&entry, key, now)
            entries[key] = entry
            return .nothing
        }
        defer { entries[key] = entry }
        if entry.rest == Entry.Rest(wish: wish, object: object) { return .nothing }
        entry.rest = nil
        if now < entry.notBefore { return .later }
        if entry.needsRead { return .request(.read(key, served)) }
        if entry.written == wish, !entry.repairs.take(now) {
            entry.notBefore = now + entry.repairs.wait(now)
            tell(.contested, &entry, key)
            return .later
        }
        var metadata = patch["metadata"]?.members ?? [:]
        metadata["resourceVersion"] = .string(object.revision)
        patch["metadata"] = .object(metadata)
        let part: String? = if case .annotation = wish.content { nil } else { "status" }
        return .request(.patch(key, served, subresource: part, .object(patch), wish))
    }

    // MARK: - What is known

    var newEntry: Entry {
        Entry(repairs: TokenBucket(size: limits.repairsMax, perMillisecond: 1 / Double(limits.repairMilliseconds)))
    }

    func wish(for key: StatusKey) -> StatusWish? { wishes?[key] ?? StatusWish.none(key) }

    func object(_ key: StatusKey, _ entry: Entry) -> ObservedObject? {
        let known = tables[key.kind]?.objects[key.objectKey]?.observed
        if let answer = entry.answer, answer.over == known { return answer.object }
        return known
    }

    mutating func look(at key: StatusKey) {
        guard mayWrite(key), queued.insert(key).inserted else { return }
        queue.append(key)
    }

    mutating func lookAtAll(of kind: ResourceKind) {
        for name in tables[kind]?.objects.keys.sorted() ?? [] {
            if let key = Self.key(kind, name) { look(at: key) }
        }
    }

    mutating func forget(_ key: StatusKey) {
        let isUnderWay = entries[key]?.isUnderWay == true
        entries[key] = isUnderWay ? newEntry : nil
        entries[key]?.isUnderWay = true
    }

    /// A fight is not over because one side has just had its way.
    mutating func allIsWell(_ entry: inout Entry, _ key: StatusKey, _ now: Int64) {
        if entry.trouble == .contested, !entry.repairs.isFull(now) { return }
        tell(nil, &entry, key)
    }

    mutating func tell(_ trouble: StatusTrouble?, _ entry: inout Entry, _ key: StatusKey) {
        guard entry.trouble != trouble else { return }
        entry.trouble = trouble
        troubles.append((key, trouble))
    }

    /// The key of a table, as kinds with namespaces have it.
    static func key(_ kind: ResourceKind, _ name: String) -> StatusKey? {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        guard let last = parts.last else { return nil }
        return StatusKey(kind, namespace: parts.count == 2 ? parts[0] : "", name: last)
    }
}
