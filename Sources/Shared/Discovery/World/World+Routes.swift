package import MeshModel

import HashTreeCollections

/// What is known of the routes of a port.
package enum KnownRoutes: Hashable, Sendable {
    case table(RouteTable)
    /// There are some, but they could not be understood: requests must fail, since the routes might have refused them.
    case refused
}

extension World {
    /// The routes for a client's requests to a port of a service: those for its namespace alone, else those for
    /// everybody. `nil`: none; requests go to the endpoints of the service.
    package func routes(to target: RouteTarget, clientNamespace: String) -> KnownRoutes? {
        routes[RouteScope(target, clientNamespace: clientNamespace)] ?? routes[RouteScope(target)]
    }

    /// Every table that was understood, in no particular order.
    package var attachedRoutes: [AttachedRoutes] {
        routes.compactMap { scope, known in
            guard case .table(let table) = known else { return nil }
            return AttachedRoutes(table, clientNamespace: scope.clientNamespace)
        }
    }

    /// Names of tables that were refused while none was known.
    var refusedRouteNames: [String] { routes.compactMap { $1 == .refused ? $0.description : nil } }

    /// Answers whether anything changed.
    mutating func stepRoutes(_ change: WorldChange) -> Bool {
        switch change {
        case .upsertRoutes(let attached):
            guard routes[attached.scope] != .table(attached.table) else { return false }
            routes[attached.scope] = .table(attached.table)
            return true
        case .removeRoutes(let name):
            guard let scope = RouteScope(name), routes[scope] != nil else { return false }
            routes[scope] = nil
            return true
        case .refuseRoutes(let name):
            guard let scope = RouteScope(name), routes[scope] == nil else { return false }
            routes[scope] = .refused
            return true
        default: return false
        }
    }
}
