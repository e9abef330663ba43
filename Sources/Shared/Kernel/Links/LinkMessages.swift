import CNetlink
import Glibc
import MeshModel

/// Requests that make a pod's link: rtnetlink(7), veth(4). Pure.
enum LinkMessages {
    private static let headerBytes = 16
    private static let isUp: UInt32 = 1
    private static let tableMain: UInt8 = 254
    private static let protocolStatic: UInt8 = 4
    private static let scopeLink: UInt8 = 253
    private static let routeUnicast: UInt8 = 1

    /// `ip link add DEVICE type veth peer name PEER netns DESCRIPTOR`.
    static func addPair(_ device: String, peer: String, in descriptor: CInt) -> NetlinkMessage {
        var far = AttributeWriter()
        far.add(number: UInt16(IFLA_IFNAME), name(peer))
        far.add(number: UInt16(IFLA_NET_NS_FD), .host(UInt32(bitPattern: descriptor)))
        var data = AttributeWriter()
        data.add(number: UInt16(VETH_INFO_PEER), header(index: 0) + far.bytes)
        var info = AttributeWriter()
        info.add(number: UInt16(IFLA_INFO_KIND), name("veth"))
        info.add(number: UInt16(IFLA_INFO_DATA), data.bytes)
        var writer = AttributeWriter()
        writer.add(number: UInt16(IFLA_IFNAME), name(device))
        writer.add(number: UInt16(IFLA_LINKINFO), info.bytes)
        return request(
            "add link \(device)", RTM_NEWLINK, NetlinkFlags.create | NetlinkFlags.exclusive,
            header(index: 0) + writer.bytes)
    }

    /// `ip link set INDEX up`, at a bridge where one is given.
    static func setUp(index: UInt32, bridge: UInt32?) -> NetlinkMessage {
        var writer = AttributeWriter()
        if let bridge { writer.add(number: UInt16(IFLA_MASTER), .host(bridge)) }
        return request("set link \(index) up", RTM_NEWLINK, 0, header(index: index, isUp: true) + writer.bytes)
    }

    /// `ip link delete DEVICE`; the other end goes with it.
    static func delete(_ device: String) -> NetlinkMessage {
        var writer = AttributeWriter()
        writer.add(number: UInt16(IFLA_IFNAME), name(device))
        return request("delete link \(device)", RTM_DELLINK, 0, header(index: 0) + writer.bytes)
    }

    static func list() -> NetlinkMessage {
        NetlinkMessage(
            label: "list links", type: UInt16(RTM_GETLINK), flags: NetlinkFlags.request | NetlinkFlags.dump,
            body: header(index: 0))
    }

    /// The name in a message of a list.
    static func name(in body: [UInt8]) -> String? {
        guard body.count >= headerBytes, let table = AttributeTable(body[headerBytes...]),
            let bytes = table[number: UInt16(IFLA_IFNAME)]
        else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// `ip address add ADDRESS/LENGTH dev INDEX`.
    static func addAddress(_ address: IPAddress, length: Int, index: UInt32) -> NetlinkMessage {
        // struct ifaddrmsg: family, prefix length, flags, scope, index.
        var body: [UInt8] = [
            RoutingMessages.familyNumber(address.family), UInt8(truncatingIfNeeded: length), 0, 0,
        ]
        body.appendHost(index)
        var writer = AttributeWriter()
        writer.add(number: UInt16(IFA_LOCAL), address.bytes)
        writer.add(number: UInt16(IFA_ADDRESS), address.bytes)
        return request(
            "add address \(address)", RTM_NEWADDR, NetlinkFlags.create | NetlinkFlags.exclusive, body + writer.bytes)
    }

    /// `ip route add ADDRESS dev INDEX scope link`.
    static func addRoute(to address: IPAddress, index: UInt32) -> NetlinkMessage {
        let length = UInt8(truncatingIfNeeded: address.family.bitCount)
        var writer = AttributeWriter()
        writer.add(RTA_DST, address.bytes)
        writer.add(RTA_OIF, .host(index))
        return route("add route to \(address)", address.family, length, scopeLink, writer)
    }

    /// `ip route add default via GATEWAY dev INDEX`.
    static func addDefaultRoute(via gateway: IPAddress, index: UInt32) -> NetlinkMessage {
        var writer = AttributeWriter()
        writer.add(RTA_GATEWAY, gateway.bytes)
        writer.add(RTA_OIF, .host(index))
        return route("add default route via \(gateway)", gateway.family, 0, 0, writer)
    }

    private static func route(
        _ label: String, _ family: IPAddress.Family, _ length: UInt8, _ scope: UInt8, _ writer: AttributeWriter
    ) -> NetlinkMessage {
        // struct rtmsg: family, two prefix lengths, tos, table, protocol, scope, type, flags.
        let body: [UInt8] = [
            RoutingMessages.familyNumber(family), length, 0, 0, tableMain, protocolStatic, scope, routeUnicast,
            0, 0, 0, 0,
        ]
        return request(label, RTM_NEWROUTE, NetlinkFlags.create | NetlinkFlags.replace, body + writer.bytes)
    }

    /// struct ifinfomsg: family, padding, device type, index, flags, which flags change.
    private static func header(index: UInt32, isUp: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0]
        bytes.appendHost(index)
        bytes.appendHost(isUp ? Self.isUp : 0)
        bytes.appendHost(isUp ? Self.isUp : 0)
        return bytes
    }

    private static func name(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

    private static func request(
        _ label: String, _ type: some BinaryInteger, _ flags: UInt16, _ body: [UInt8]
    ) -> NetlinkMessage {
        NetlinkMessage(
            label: label, type: UInt16(type), flags: NetlinkFlags.request | NetlinkFlags.acknowledge | flags,
            body: body)
    }
}
