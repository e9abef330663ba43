import HashTreeCollections
import MeshModel

/// Policies by key and by where they apply.
struct PolicyIndex: Sendable {
    /// At this many names of removed policies the oldest knowledge of them is dropped: workloads that still name one
    /// are then refused until their own update comes. A bound, since names come from outside.
    static let removedCountMax = 16_384

    private var byKey = TreeDictionary<String, AuthorizationPolicy>()
    private var byNamespace = TreeDictionary<String, TreeSet<String>>()
    private var global = TreeSet<String>()
    /// Known once, removed since: a workload's list may still name them for a moment.
    private var removed = TreeSet<String>()
    private var refused = TreeDictionary<String, RefusedPolicy>()

    var count: Int { byKey.count }
    var all: [AuthorizationPolicy] { Array(byKey.values) }

    subscript(key: String) -> AuthorizationPolicy? { byKey[key] }

    /// Keys of the namespace's own policies, refused ones included.
    func keys(namespace: String) -> TreeSet<String> { byNamespace[namespace] ?? [] }

    /// Keys of the policies for everyone, refused ones included.
    var globalKeys: TreeSet<String> { global }

    func wasRemoved(_ key: String) -> Bool { removed.contains(key) }

    /// Answers whether anything changed.
    mutating func upsert(_ policy: AuthorizationPolicy) -> Bool {
        let key = policy.key
        guard byKey[key] != policy || refused[key] != nil else { return false }
        forget(key)
        byKey[key] = policy
        enter(key, namespace: policy.namespace, scope: policy.scope)
        removed.remove(key)
        return true
    }

    mutating func remove(_ key: String) -> Bool {
        guard byKey[key] != nil || refused[key] != nil else { return false }
        forget(key)
        if removed.count >= Self.removedCountMax { removed = [] }
        removed.insert(key)
        return true
    }

    mutating func refuse(_ policy: RefusedPolicy) -> Bool {
        guard byKey[policy.key] == nil, refused[policy.key] != policy else { return false }
        forget(policy.key)
        refused[policy.key] = policy
        enter(policy.key, namespace: policy.namespace, scope: policy.scope)
        removed.remove(policy.key)
        return true
    }

    func hasSameContent(as other: PolicyIndex) -> Bool {
        byKey == other.byKey && byNamespace == other.byNamespace && global == other.global
            && refused == other.refused
    }

    private mutating func enter(_ key: String, namespace: String, scope: AuthorizationPolicy.Scope) {
        switch scope {
        case .global: global.insert(key)
        case .namespace: byNamespace[namespace, default: []].insert(key)
        case .workloadSelector: break
        }
    }

    private mutating func forget(_ key: String) {
        let namespace = byKey[key]?.namespace ?? refused[key]?.namespace
        byKey[key] = nil
        refused[key] = nil
        global.remove(key)
        guard let namespace else { return }
        byNamespace[namespace]?.remove(key)
        if byNamespace[namespace]?.isEmpty == true { byNamespace[namespace] = nil }
    }
}
