/// What one stream wants and holds of one type. Pure: requests change it, `push` says what is due.
struct DeltaSubscription {
    /// What a client should get now.
    struct Due {
        var upserts: [ServedResource] = []
        var removals: [String] = []
        /// A response is owed even when it is empty: the client becomes ready by it.
        var isOwed = false

        var isEmpty: Bool { upserts.isEmpty && removals.isEmpty && !isOwed }
    }

    /// The name that means all resources.
    private static let everything = "*"

    private let admits: (@Sendable (ServedResource) -> Bool)?
    /// Its workloads are pushed unasked to a client that subscribes by name.
    private let ownNode: String
    private var wantsEverything: Bool
    /// Names the client asked for one by one: resource names or addresses.
    private var keys: Set<String> = []
    /// Names and versions the client has; the version is empty for a name it waits for.
    private var held: [String: String]
    /// When set, `held` is all of that revision.
    private var heldRevision: UInt64?
    private var owesAnswer = true
    /// Keys to be answered whatever the client holds.
    private var unanswered: [String] = []

    /// From the first request of the type. No names at all, or `*` that is not taken back in the same request, means
    /// everything (Envoy, "xDS REST and gRPC protocol", how the client specifies what resources to return).
    init(
        subscribe: [String], unsubscribe: [String], held: [String: String], ownNode: String = "",
        admitting admits: (@Sendable (ServedResource) -> Bool)? = nil
    ) {
        self.admits = admits
        self.ownNode = ownNode
        self.held = held
        self.wantsEverything = subscribe.isEmpty
            || (subscribe.contains(Self.everything) && !unsubscribe.contains(Self.everything))
        let names = subscribe.filter { $0 != Self.everything && !unsubscribe.contains($0) }
        keys.formUnion(names)
        unanswered = names.filter { held[$0] == nil }
        // What the client waits for has an empty version: it must be answered, found or not.
        let waiting = held.filter { $0.value.isEmpty }.map(\.key)
        keys.formUnion(waiting)
        for name in waiting { self.held[name] = nil }
        unanswered += waiting.filter { !names.contains($0) }.sorted()
    }

    /// What the subscription costs in memory, as a number of names.
    var nameCount: Int { keys.count + unanswered.count + (heldRevision == nil ? held.count : 0) }

    /// A client of everything shares the collection's dictionary of versions.
    private var sharesVersions: Bool { wantsEverything && admits == nil }

    /// A later request. Names asked for again are sent again.
    mutating func change(subscribe: [String], unsubscribe: [String]) {
        for name in unsubscribe {
            if name == Self.everything {
                leaveEverything()
            } else {
                keys.remove(name)
                if !wantsEverything { held[name] = nil }
            }
        }
        for name in subscribe {
            if name == Self.everything {
                wantsEverything = true
                owesAnswer = true
            } else {
                keys.insert(name)
                unanswered.append(name)
            }
        }
    }

    private mutating func leaveEverything() {
        guard wantsEverything else { return }
        wantsEverything = false
        heldRevision = nil
        // The client forgets what it did not ask for by name; asking again brings it back.
        held = held.filter { keys.contains($0.key) }
    }

    /// What is due now; afterwards the client counts as holding it, whether it accepts it or not: what it refused is
    /// sent again only when it changes.
    mutating func push(_ collection: ServedCollection) -> Due {
        var due = Due(isOwed: owesAnswer)
        owesAnswer = false
        var forced: Set<String> = []
        for key in unanswered where wantsEverything || keys.contains(key) {
            let names = collection.resolve(key).filter { isAdmitted($0, collection) }
            if names.isEmpty {
                // A name the client holds is removed below.
                if sharesVersions, held[key] != nil { continue }
                due.removals.append(key)
                if !sharesVersions { held[key] = nil }
            } else {
                forced.formUnion(names)
            }
        }
        unanswered = []
        for name in candidates(collection, forced).sorted() {
            let resource = collection.resources[name].flatMap { admits?($0) == false ? nil : $0 }
            if let resource {
                guard held[name] != resource.version || forced.contains(name) else { continue }
                due.upserts.append(resource)
                if !sharesVersions { held[name] = resource.version }
            } else if held[name] != nil {
                due.removals.append(name)
                if !sharesVersions { held[name] = nil }
            }
        }
        if sharesVersions {
            held = collection.versions
            heldRevision = collection.revision
        }
        return due
    }

    /// Names that have to be looked at.
    private func candidates(_ collection: ServedCollection, _ forced: Set<String>) -> Set<String> {
        guard wantsEverything else {
            let wanted = keys.lazy.flatMap { collection.resolve($0) }
            return forced.union(held.keys).union(wanted).union(collection.workloads(onNode: ownNode))
        }
        if let heldRevision, let changed = collection.names(changedSince: heldRevision) {
            return forced.union(changed)
        }
        return Set(held.keys).union(collection.resources.keys)
    }

    private func isAdmitted(_ name: String, _ collection: ServedCollection) -> Bool {
        guard let resource = collection.resources[name] else { return false }
        return admits?(resource) ?? true
    }
}
