import Glibc
import MeshModel

/// The routing rules and routes of one namespace, over its own socket.
struct PolicyRouting: ~Copyable {
    /// Copies of our rule that are deleted before giving up; more than one is already somebody's mistake.
    private static let ruleCopiesMax = 64

    private var socket: NetlinkSocket

    /// Opens the socket in the calling thread's namespace.
    init() throws(KernelError) {
        socket = try NetlinkSocket.open(.route)
    }

    /// Afterwards exactly one rule and one route per family are there.
    mutating func install(_ families: [IPAddress.Family]) throws(KernelError) {
        for family in families {
            try socket.request(RoutingMessages.replaceRoute(family))
            try tolerating(EEXIST) { (routing: inout PolicyRouting) throws(KernelError) in
                try routing.socket.request(RoutingMessages.addRule(family))
            }
        }
    }

    /// Both families, whether they are there or not.
    mutating func remove() throws(KernelError) {
        for family in [IPAddress.Family.v4, .v6] {
            var copies = 0
            while try deleteOneRule(family) {
                copies += 1
                guard copies < Self.ruleCopiesMax else {
                    throw .limitReached(operation: "delete \(family.text) routing rule", limit: Self.ruleCopiesMax)
                }
            }
            do throws(KernelError) {
                try socket.request(RoutingMessages.deleteRoute(family))
            } catch {
                guard Self.meansAbsent(error) else { throw error }
            }
        }
    }

    /// The first difference in words; `nil` when everything is as `install` leaves it.
    mutating func difference(_ families: [IPAddress.Family]) throws(KernelError) -> String? {
        for family in families {
            let rules = try count(RoutingMessages.listRules(family), RoutingMessages.isOurRule)
            guard rules == 1 else {
                return "routing: expected one \(family.text) rule \(TunnelMarks.rulePriority) for mark 0x111, "
                    + "found \(rules)"
            }
            let routes = try count(RoutingMessages.listRoutes(family), RoutingMessages.isOurRoute)
            guard routes == 1 else {
                return "routing: expected one \(family.text) local default route in table "
                    + "\(TunnelMarks.routingTable), found \(routes)"
            }
        }
        return nil
    }

    private mutating func count(
        _ message: NetlinkMessage, _ isOurs: ([UInt8]) -> Bool
    ) throws(KernelError) -> Int {
        var found = 0
        try socket.dump(message, restart: { found = 0 }) { (_, body) throws(KernelError) in
            if isOurs(body) { found += 1 }
        }
        return found
    }

    private mutating func deleteOneRule(_ family: IPAddress.Family) throws(KernelError) -> Bool {
        do throws(KernelError) {
            try socket.request(RoutingMessages.deleteRule(family))
            return true
        } catch {
            guard Self.meansAbsent(error) else { throw error }
            return false
        }
    }

    private mutating func tolerating(
        _ errno: Int32, _ body: (inout PolicyRouting) throws(KernelError) -> Void
    ) throws(KernelError) {
        do throws(KernelError) {
            try body(&self)
        } catch {
            guard error.errno == errno else { throw error }
        }
    }

    /// No such rule, no such route or table, no such family in this kernel.
    private static func meansAbsent(_ error: KernelError) -> Bool {
        [ENOENT, ESRCH, EAFNOSUPPORT, EOPNOTSUPP].contains(error.errno ?? 0)
    }
}
