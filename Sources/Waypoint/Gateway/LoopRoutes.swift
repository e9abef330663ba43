internal import MeshDiscovery
internal import MeshModel
internal import WaypointRoute

/// What routes say of calls from one namespace to one port.
enum CallRoutes {
    /// There are none: calls go to what they called.
    case none
    /// There are some that were not understood: they might refuse the call, so it is refused.
    case refused
    case table(CompiledRoutes)
}

/// A table of routes made ready, for one loop.
final class CompiledRoutes {
    let table: RouteTable
    let requests: RouteIndex
    let connections: ConnectionRoutes

    init(_ table: RouteTable) {
        self.table = table
        requests = RouteIndex(table)
        connections = ConnectionRoutes(table)
    }
}

/// The tables that calls of one loop have asked for. A table is compiled once, and again only when it has changed.
struct LoopRoutes {
    private var compiled: [RouteTarget: [CompiledRoutes]] = [:]
    private var revision: UInt64 = 0

    /// Drops tables that are not the same any more.
    mutating func learn(_ world: World) {
        guard world.routeRevision != revision else { return }
        revision = world.routeRevision
        guard !compiled.isEmpty else { return }
        let present = Dictionary(grouping: world.attachedRoutes.map(\.table), by: \.target)
        for (target, tables) in compiled {
            let kept = tables.filter { present[target]?.contains($0.table) ?? false }
            compiled[target] = kept.isEmpty ? nil : kept
        }
    }

    mutating func routes(to target: RouteTarget, from namespace: String, in world: World) -> CallRoutes {
        switch world.routes(to: target, clientNamespace: namespace) {
        case nil: return .none
        case .refused?: return .refused
        case .table(let table)?:
            if let known = compiled[target]?.first(where: { $0.table == table }) { return .table(known) }
            let routes = CompiledRoutes(table)
            compiled[target, default: []].append(routes)
            return .table(routes)
        }
    }

    /// How many tables are compiled, for tests.
    var count: Int { compiled.values.reduce(0) { $0 + $1.count } }
}
