import HashTreeCollections
import MeshModel

/// Policies of waypoints by name and by where they apply.
struct AttachedPolicyIndex: Sendable {
    private var known = TreeDictionary<String, AttachedPolicy>()
    /// Names of known policies, and of refused ones whose bindings could be read.
    private var byBinding = TreeDictionary<PolicyBinding, TreeSet<String>>()
    private var refused = TreeDictionary<String, RefusedAttachedPolicy>()
    /// Refused, and nobody knows where they apply.
    private var refusedEverywhere = TreeSet<String>()
    /// They were asked for and have not come yet: any might be among them.
    var isAwaited = false

    var all: [AttachedPolicy] { Array(known.values) }

    var refusedNames: [String] { Array(refused.keys) }

    /// Answers whether anything changed.
    mutating func upsert(_ policy: AttachedPolicy) -> Bool {
        let name = policy.name.description
        guard known[name] != policy else { return false }
        forget(name)
        known[name] = policy
        enter(name, policy.bindings)
        return true
    }

    mutating func remove(_ name: String) -> Bool {
        guard known[name] != nil || refused[name] != nil else { return false }
        forget(name)
        return true
    }

    mutating func refuse(_ policy: RefusedAttachedPolicy) -> Bool {
        guard known[policy.name] == nil, refused[policy.name] != policy else { return false }
        forget(policy.name)
        refused[policy.name] = policy
        if let bindings = policy.bindings {
            enter(policy.name, bindings)
        } else {
            refusedEverywhere.insert(policy.name)
        }
        return true
    }

    /// All that hold for one of the bindings, by name; and names of those that should be there and are not.
    func applicable(to bindings: [PolicyBinding]) -> (policies: [AttachedPolicy], missing: [String]) {
        var names = Set(refusedEverywhere)
        for binding in bindings { names.formUnion(byBinding[binding] ?? []) }
        var result: (policies: [AttachedPolicy], missing: [String]) = ([], isAwaited ? ["*"] : [])
        for name in names.sorted() {
            if let policy = known[name] { result.policies.append(policy) } else { result.missing.append(name) }
        }
        return result
    }

    func hasSameContent(as other: AttachedPolicyIndex) -> Bool {
        known == other.known && byBinding == other.byBinding && refused == other.refused
            && refusedEverywhere == other.refusedEverywhere && isAwaited == other.isAwaited
    }

    private mutating func enter(_ name: String, _ bindings: [PolicyBinding]) {
        for binding in bindings { byBinding[binding, default: []].insert(name) }
    }

    private mutating func forget(_ name: String) {
        for binding in known[name]?.bindings ?? refused[name]?.bindings ?? [] {
            byBinding[binding]?.remove(name)
            if byBinding[binding]?.isEmpty == true { byBinding[binding] = nil }
        }
        known[name] = nil
        refused[name] = nil
        refusedEverywhere.remove(name)
    }
}
