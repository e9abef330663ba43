internal import ControlSources

/// What the API server says of a kind.
enum Presence: Hashable, Sendable {
    /// The best of its versions that we know.
    case served(version: String)
    case absent
    /// The server could not say.
    case unknown(APIFailure)
}

/// Asks the API server which kinds it has (kubernetes.io, "API discovery").
struct Discovery: Sendable {
    let client: APIClient

    /// - Throws: when nothing can be said of any kind.
    func look(for kinds: [ResourceKind]) async throws(APIFailure) -> [ResourceKind: Presence] {
        try await untilLoaded()
        let groups = Self.groups(try APIReader.tree(try await client.get("/apis")))
        var resources: [String: Result<Set<String>, APIFailure>] = [:]
        for kind in kinds {
            for version in Self.candidates(kind, groups) {
                let path = ResourceKind.path(group: kind.group, version: version)
                guard resources[path] == nil else { continue }
                resources[path] = await self.resources(path)
            }
        }
        var found: [ResourceKind: Presence] = [:]
        for kind in kinds { found[kind] = Self.presence(kind, groups, resources) }
        return found
    }

    /// A server that starts answers before it has loaded the definitions of kinds; only then it calls itself ready.
    /// Where that page is not for us, discovery is believed as it is.
    private func untilLoaded() async throws(APIFailure) {
        do {
            _ = try await client.get("/readyz", accept: "*/*")
        } catch {
            switch error {
            case .forbidden, .missing: return
            default: throw error
            }
        }
    }

    private func resources(_ path: String) async -> Result<Set<String>, APIFailure> {
        do {
            return .success(Self.watchable(try APIReader.tree(try await client.get(path))))
        } catch {
            return .failure(error)
        }
    }

    /// Versions of each group.
    static func groups(_ tree: DataTree) -> [String: Set<String>] {
        var groups: [String: Set<String>] = [:]
        for group in tree["groups"]?.items ?? [] {
            guard let name = group["name"]?.text else { continue }
            groups[name] = Set((group["versions"]?.items ?? []).compactMap { $0["version"]?.text })
        }
        return groups
    }

    /// Names of what can be listed and watched.
    static func watchable(_ tree: DataTree) -> Set<String> {
        Set(
            (tree["resources"]?.items ?? []).compactMap { resource in
                let verbs = Set((resource["verbs"]?.items ?? []).compactMap(\.text))
                return verbs.isSuperset(of: ["list", "watch"]) ? resource["name"]?.text : nil
            })
    }

    private static func candidates(_ kind: ResourceKind, _ groups: [String: Set<String>]) -> [String] {
        // The core group is in no list.
        kind.group.isEmpty ? kind.versions : kind.versions.filter { groups[kind.group]?.contains($0) == true }
    }

    /// The best version that has the kind. A version that could not be asked makes a worse one no answer.
    static func presence(
        _ kind: ResourceKind, _ groups: [String: Set<String>],
        _ resources: [String: Result<Set<String>, APIFailure>]
    ) -> Presence {
        for version in candidates(kind, groups) {
            switch resources[ResourceKind.path(group: kind.group, version: version)] {
            case .success(let names):
                if names.contains(kind.plural) { return .served(version: version) }
            case .failure(.missing): continue
            case .failure(let failure): return .unknown(failure)
            case nil: return .unknown(.missing)
            }
        }
        return .absent
    }
}

/// Which kinds are read, from what discovery says time after time. Pure.
struct KindLedger: Sendable {
    enum Order: Hashable, Sendable {
        /// Read it, in this version from now on.
        case start(ServedKind)
        /// It is gone, with all its objects.
        case stop(ResourceKind)
    }

    private(set) var served: [ResourceKind: ServedKind] = [:]
    private(set) var absent: Set<ResourceKind> = []
    private var absentSince: [ResourceKind: Int64] = [:]
    private let absenceMilliseconds: Int64

    init(absenceMilliseconds: Int64) { self.absenceMilliseconds = absenceMilliseconds }

    /// Nothing is known of the kind yet.
    func isUnknown(_ kind: ResourceKind) -> Bool { served[kind] == nil && !absent.contains(kind) }

    /// In the order of the kinds' names.
    mutating func take(_ found: [ResourceKind: Presence], nowMilliseconds: Int64) -> [Order] {
        var orders: [Order] = []
        for (kind, presence) in found.sorted(by: { $0.key.name < $1.key.name }) {
            switch presence {
            case .unknown: continue
            case .served(let version):
                absent.remove(kind)
                absentSince[kind] = nil
                let now = ServedKind(kind: kind, version: version)
                guard served[kind] != now else { continue }
                served[kind] = now
                orders.append(.start(now))
            case .absent:
                guard served[kind] != nil else {
                    absent.insert(kind)
                    continue
                }
                let since = absentSince[kind] ?? nowMilliseconds
                absentSince[kind] = since
                guard absentSince[kind] != nowMilliseconds, nowMilliseconds - since >= absenceMilliseconds else {
                    continue
                }
                served[kind] = nil
                absentSince[kind] = nil
                absent.insert(kind)
                orders.append(.stop(kind))
            }
        }
        return orders
    }
}
