internal import MeshDiscovery
internal import MeshModel
internal import NIOCore
internal import WaypointToken

/// The tokens that policies want checked, made ready for one loop: a checker for each set of policies that some target
/// has, and the key sets that were fetched.
struct LoopTokens {
    /// The key sets of remote issuers, as they were fetched last.
    var fetched = FetchedKeys()
    /// Told of tokens by keys that the fetched set of a URI does not have.
    var onMissingKey: ((_ uri: String, _ keyIdentifier: String) -> Void)?

    /// A flood of invented names of keys becomes one message in this time for each URI.
    private static let missPause = TimeAmount.seconds(1)
    /// By the keys of the policies.
    private var compiled: [[String]: Compiled] = [:]
    private var reportedAt: [String: NIODeadline] = [:]

    private struct Compiled {
        let policies: [TokenPolicy]
        let checker: TokenChecker
    }

    /// The checker of these policies, compiled once; `nil` when there is nothing to check.
    mutating func checker(of policies: [TokenPolicy]) -> TokenChecker? {
        guard !policies.isEmpty else { return nil }
        let key = policies.map(\.key)
        if let known = compiled[key], known.policies == policies { return known.checker }
        let checker = TokenChecker(policies)
        compiled[key] = Compiled(policies: policies, checker: checker)
        return checker
    }

    /// Drops the checkers of policies that are no longer there.
    mutating func learn(_ world: World) {
        guard !compiled.isEmpty else { return }
        let present = Set(world.tokenPolicies.map(\.key))
        compiled = compiled.filter { present.isSuperset(of: $0.key) }
    }

    mutating func missing(_ uri: String, _ keyIdentifier: String) {
        let now = NIODeadline.now()
        if let last = reportedAt[uri], now - last < Self.missPause { return }
        reportedAt[uri] = now
        onMissingKey?(uri, keyIdentifier)
    }

    /// How many sets of policies are compiled, for tests.
    var count: Int { compiled.count }
}

/// Key sets by the URI that they were fetched from.
struct FetchedKeys: RemoteKeys {
    var sets: [String: KeySet] = [:]

    func keys(at uri: String) -> KeySet? { sets[uri] }
}
