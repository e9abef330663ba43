import CNetlink
import MeshModel

/// The routing requests: "marked packets are delivered locally". rtnetlink(7). Pure.
enum RoutingMessages {
    static let loopbackIndex: UInt32 = 1
    private static let tableInAttribute: UInt8 = 0
    private static let actionToTable: UInt8 = 1
    private static let routeLocal: UInt8 = 2
    private static let protocolStatic: UInt8 = 4
    private static let scopeHost: UInt8 = 254

    static func familyNumber(_ family: IPAddress.Family) -> UInt8 { family == .v4 ? 2 : 10 }

    /// `ip rule add priority 32764 fwmark 0x111/0xfff table 100`; refused as existing when it is there.
    static func addRule(_ family: IPAddress.Family) -> NetlinkMessage {
        rule("add \(family.text) routing rule", family, type: UInt16(RTM_NEWRULE),
            flags: NetlinkFlags.create | NetlinkFlags.exclusive)
    }

    /// Deletes one such rule.
    static func deleteRule(_ family: IPAddress.Family) -> NetlinkMessage {
        rule("delete \(family.text) routing rule", family, type: UInt16(RTM_DELRULE), flags: 0)
    }

    /// `ip route replace local default dev lo table 100`.
    static func replaceRoute(_ family: IPAddress.Family) -> NetlinkMessage {
        route("add \(family.text) local route", family, type: UInt16(RTM_NEWROUTE),
            flags: NetlinkFlags.create | NetlinkFlags.replace)
    }

    static func deleteRoute(_ family: IPAddress.Family) -> NetlinkMessage {
        route("delete \(family.text) local route", family, type: UInt16(RTM_DELROUTE), flags: 0)
    }

    static func listRules(_ family: IPAddress.Family) -> NetlinkMessage {
        NetlinkMessage(
            label: "list \(family.text) routing rules", type: UInt16(RTM_GETRULE),
            flags: NetlinkFlags.request | NetlinkFlags.dump,
            body: [familyNumber(family)] + [UInt8](repeating: 0, count: 11))
    }

    static func listRoutes(_ family: IPAddress.Family) -> NetlinkMessage {
        NetlinkMessage(
            label: "list \(family.text) routes", type: UInt16(RTM_GETROUTE),
            flags: NetlinkFlags.request | NetlinkFlags.dump,
            body: [familyNumber(family)] + [UInt8](repeating: 0, count: 11))
    }

    private static func rule(
        _ label: String, _ family: IPAddress.Family, type: UInt16, flags: UInt16
    ) -> NetlinkMessage {
        // struct fib_rule_hdr: family, two prefix lengths, tos, table, two reserved, action, flags.
        var body: [UInt8] = [familyNumber(family), 0, 0, 0, tableInAttribute, 0, 0, actionToTable, 0, 0, 0, 0]
        var writer = AttributeWriter()
        writer.add(number: UInt16(FRA_PRIORITY), .host(TunnelMarks.rulePriority))
        writer.add(number: UInt16(FRA_FWMARK), .host(TunnelMarks.connection))
        writer.add(number: UInt16(FRA_FWMASK), .host(TunnelMarks.mask))
        writer.add(number: UInt16(FRA_TABLE), .host(TunnelMarks.routingTable))
        body += writer.bytes
        return NetlinkMessage(
            label: label, type: type, flags: NetlinkFlags.request | NetlinkFlags.acknowledge | flags, body: body)
    }

    private static func route(
        _ label: String, _ family: IPAddress.Family, type: UInt16, flags: UInt16
    ) -> NetlinkMessage {
        // struct rtmsg: family, two prefix lengths, tos, table, protocol, scope, type, flags.
        let scope: UInt8 = family == .v4 ? scopeHost : 0
        var body: [UInt8] = [
            familyNumber(family), 0, 0, 0, tableInAttribute, protocolStatic, scope, routeLocal, 0, 0, 0, 0,
        ]
        var writer = AttributeWriter()
        writer.add(RTA_TABLE, .host(TunnelMarks.routingTable))
        writer.add(RTA_OIF, .host(loopbackIndex))
        body += writer.bytes
        return NetlinkMessage(
            label: label, type: type, flags: NetlinkFlags.request | NetlinkFlags.acknowledge | flags, body: body)
    }
}

extension RoutingMessages {
    /// Whether a message of a rule dump is our rule and nothing more.
    static func isOurRule(_ body: [UInt8]) -> Bool {
        guard body.count >= 12, let table = AttributeTable(body[12...]) else { return false }
        // No address, interface, port or protocol may narrow it, and it must not be turned round (flag 2).
        let narrowing = [FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_OIFNAME, FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE,
            FRA_DPORT_RANGE, FRA_TUN_ID, FRA_L3MDEV]
        return body[7] == actionToTable && body[8] & 2 == 0
            && table.host(number: UInt16(FRA_PRIORITY)) == TunnelMarks.rulePriority
            && table.host(number: UInt16(FRA_FWMARK)) == TunnelMarks.connection
            && table.host(number: UInt16(FRA_FWMASK)) == TunnelMarks.mask
            && table.host(number: UInt16(FRA_TABLE)) == TunnelMarks.routingTable
            && !narrowing.contains { table[number: UInt16($0)].map { $0.contains { $0 != 0 } } ?? false }
    }

    /// Whether a message of a route dump is our route.
    static func isOurRoute(_ body: [UInt8]) -> Bool {
        guard body.count >= 12, let table = AttributeTable(body[12...]) else { return false }
        return body[1] == 0 && body[7] == routeLocal
            && table.host(number: UInt16(RTA_TABLE.rawValue)) == TunnelMarks.routingTable
            && table.host(number: UInt16(RTA_OIF.rawValue)) == loopbackIndex
    }
}
