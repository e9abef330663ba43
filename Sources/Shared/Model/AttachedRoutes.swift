/// The routes of one port of a service, for the clients that they hold for.
package struct AttachedRoutes: Hashable, Sendable {
    package let table: RouteTable
    /// Only clients of this namespace, instead of the table for everybody; `nil`: everybody else.
    package let clientNamespace: String?

    package init(_ table: RouteTable, clientNamespace: String? = nil) {
        self.table = table
        self.clientNamespace = clientNamespace
    }

    package var scope: RouteScope { RouteScope(table.target, clientNamespace: clientNamespace) }
}

/// What a table of routes is for: a port of a service, and perhaps the clients of one namespace only.
package struct RouteScope: Hashable, Sendable, CustomStringConvertible {
    package let target: RouteTarget
    package let clientNamespace: String?

    package init(_ target: RouteTarget, clientNamespace: String? = nil) {
        self.target = target
        self.clientNamespace = clientNamespace
    }

    /// Reads ``description``; `nil` for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (3...4).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }), let port = UInt16(parts[2]),
            port > 0, String(port) == parts[2]
        else { return nil }
        target = RouteTarget(service: ServiceKey(namespace: parts[0], hostname: parts[1]), port: port)
        clientNamespace = parts.count == 4 ? parts[3] : nil
    }

    /// `NAMESPACE/HOSTNAME/PORT`, with `/CLIENT-NAMESPACE` behind it for the clients of one namespace.
    package var description: String {
        "\(target.service)/\(target.port)" + (clientNamespace.map { "/\($0)" } ?? "")
    }
}
