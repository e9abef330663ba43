import MeshModel

extension CaptureRule {
    // MARK: redirects

    /// N9: a connection the pod opens goes to the proxy.
    static func outbound(_ family: IPAddress.Family) -> CaptureRule {
        CaptureRule(
            comment: "N9 outbound \(family.text) to \(TunnelPorts.outbound)",
            expressions: isTCP(family) + isConnectionStart + isNotToLoopback(family) + isNotFromProxy
                + redirect(to: TunnelPorts.outbound))
    }

    /// N3: plain text that comes to the pod goes to the proxy; HBONE comes to it anyway.
    static func inbound(_ family: IPAddress.Family) -> CaptureRule {
        CaptureRule(
            comment: "N3 inbound \(family.text) to \(TunnelPorts.inboundPlaintext)",
            expressions: isTCP(family) + isConnectionStart + isNotToLoopback(family)
                + [.loadBytes(.transport, offset: 2, count: 2), .differs(.network(TunnelPorts.inboundHBONE))]
                + isNotFromProxy + redirect(to: TunnelPorts.inboundPlaintext))
    }

    /// Never matches (a packet has one family). Its redirect keeps connection tracking switched on, and with it the
    /// translation of live connections.
    static let keeper = CaptureRule(
        comment: "keeper of live connections, never matches",
        expressions: isFamily(.v4) + isFamily(.v6) + redirect(to: TunnelPorts.outbound))

    // MARK: exemptions

    /// N2: a probe goes straight to the application.
    static func probe(from source: IPAddress) -> CaptureRule {
        let (offset, count): (UInt32, UInt32) = source.family == .v4 ? (12, 4) : (8, 16)
        return CaptureRule(
            comment: "N2 probe from \(source)",
            expressions: isTCP(source.family)
                + [.loadBytes(.network, offset: offset, count: count), .equals(source.bytes), .accept])
    }

    /// H1, on the node: a connection of one of its processes to a pod becomes a probe.
    static func probeOfNode(to pod: IPAddress, from source: IPAddress) -> CaptureRule {
        CaptureRule(
            comment: "H1 probe to \(pod)",
            expressions: isTCP(pod.family)
                + [
                    .load(.socketUser), destination(pod.family), .equals(pod.bytes),
                    .loadBytes(.transport, offset: 2, count: 2), .differs(.network(TunnelPorts.inboundHBONE)),
                    .set(source.bytes), .sourceNAT(pod.family),
                ])
    }

    /// N4: and its reply straight back.
    static func replyToProbe(_ source: IPAddress) -> CaptureRule {
        CaptureRule(
            comment: "N4 reply to probe \(source)",
            expressions: isTCP(source.family) + [destination(source.family), .equals(source.bytes), .accept])
    }

    /// N7: the application's reply to a connection the proxy opened with the caller's address.
    static let replyOfProxiedConnection = CaptureRule(
        comment: "N7 reply on a connection of the proxy",
        expressions: isTCP + maskedMark + [.equals(.host(TunnelMarks.connection)), .accept])

    /// N8: the pod calling its own address.
    static func callToOneself(_ family: IPAddress.Family) -> CaptureRule {
        // `lo` has index 1 in every namespace; the kernel insists on it.
        let throughLoopback: [RuleExpression] = [.load(.outputInterface), .equals(.host(UInt32(1)))]
        return CaptureRule(
            comment: "N8 call to oneself \(family.text)",
            expressions: isFamily(family) + throughLoopback + isNotToLoopback(family) + [.accept])
    }

    // MARK: marks

    /// M1: low 12 bits of the connection's mark := 0x111 when the proxy opened it.
    static let rememberProxyConnection = CaptureRule(
        comment: "M1 remember a connection of the proxy",
        expressions: maskedMark + [
            .equals(.host(TunnelMarks.packet)),
            .loadConnectionMark,
            .combine(mask: .host(~TunnelMarks.mask), xor: .host(TunnelMarks.connection)),
            .storeConnectionMark,
        ])

    /// M2: the application's packets on such a connection get the mark that routes them to the proxy.
    static let steerReplyToProxy = CaptureRule(
        comment: "M2 steer replies to the proxy",
        expressions: [
            .loadConnectionMark,
            .combine(mask: .host(TunnelMarks.mask), xor: .host(UInt32(0))),
            .equals(.host(TunnelMarks.connection)),
            .loadConnectionMark,
            .storeMark,
        ])

    // MARK: parts

    private static let isTCP: [RuleExpression] = [.load(.transportProtocol), .equals([6])]

    private static func isFamily(_ family: IPAddress.Family) -> [RuleExpression] {
        [.load(.networkProtocol), .equals([family == .v4 ? 2 : 10])]
    }

    private static func isTCP(_ family: IPAddress.Family) -> [RuleExpression] {
        isFamily(family) + isTCP
    }

    /// SYN without ACK. A NAT rule for every packet would also catch the middle of connections that are older than
    /// connection tracking, and reset them.
    private static let isConnectionStart: [RuleExpression] = [
        .loadBytes(.transport, offset: 13, count: 1),
        .combine(mask: [0x12], xor: [0]),
        .equals([0x02]),
    ]

    private static func destination(_ family: IPAddress.Family) -> RuleExpression {
        family == .v4 ? .loadBytes(.network, offset: 16, count: 4) : .loadBytes(.network, offset: 24, count: 16)
    }

    /// Only these two addresses, not 127/8.
    private static func isNotToLoopback(_ family: IPAddress.Family) -> [RuleExpression] {
        let loopback = family == .v4 ? IPAddress(v4: 0x7f00_0001) : IPAddress(v6High: 0, low: 1)
        return [destination(family), .differs(loopback.bytes)]
    }

    private static let maskedMark: [RuleExpression] = [
        .load(.mark), .combine(mask: .host(TunnelMarks.mask), xor: .host(UInt32(0))),
    ]

    private static let isNotFromProxy: [RuleExpression] = maskedMark + [.differs(.host(TunnelMarks.packet))]

    private static func redirect(to port: UInt16) -> [RuleExpression] {
        [.set(.network(port)), .redirect]
    }
}

extension IPAddress.Family {
    var text: String { self == .v4 ? "IPv4" : "IPv6" }
}
