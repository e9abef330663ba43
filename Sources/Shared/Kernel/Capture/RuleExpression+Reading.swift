import CNetlink
import MeshModel

extension RuleExpression {
    /// From what the kernel reports for one expression. Whatever is not exactly one of ours becomes `.foreign`, so
    /// that a comparison fails. Attributes that the kernel adds on its own (ranges, flags that follow from others)
    /// are checked for the value ours imply.
    init(name: String, data: [UInt8]) {
        let known = AttributeTable(data).flatMap { Self.read(name: name, $0) }
        self = known ?? .foreign(name: name, data: data)
    }

    private static func read(name: String, _ table: AttributeTable) -> RuleExpression? {
        switch name {
        case "meta": return readMeta(table)
        case "ct": return readConnection(table)
        case "payload": return readPayload(table)
        case "bitwise": return readBitwise(table)
        case "cmp": return readComparison(table)
        case "immediate": return readImmediate(table)
        case "redir": return readRedirect(table)
        case "nat": return readSourceNAT(table)
        default: return nil
        }
    }

    private static func readMeta(_ table: AttributeTable) -> RuleExpression? {
        guard let meta = table.network(NFTA_META_KEY).flatMap(Meta.init(rawValue:)) else { return nil }
        switch (table.network(NFTA_META_DREG), table.network(NFTA_META_SREG)) {
        case (register, nil): return .load(meta)
        case (nil, register) where meta == .mark: return .storeMark
        default: return nil
        }
    }

    private static func readConnection(_ table: AttributeTable) -> RuleExpression? {
        guard table.network(NFTA_CT_KEY) == connectionMarkKey, table[NFTA_CT_DIRECTION] == nil else { return nil }
        switch (table.network(NFTA_CT_DREG), table.network(NFTA_CT_SREG)) {
        case (register, nil): return .loadConnectionMark
        case (nil, register): return .storeConnectionMark
        default: return nil
        }
    }

    private static func readPayload(_ table: AttributeTable) -> RuleExpression? {
        guard table.network(NFTA_PAYLOAD_DREG) == register, table[NFTA_PAYLOAD_SREG] == nil,
            let header = table.network(NFTA_PAYLOAD_BASE).flatMap(Header.init(rawValue:)),
            let offset = table.network(NFTA_PAYLOAD_OFFSET), let count = table.network(NFTA_PAYLOAD_LEN)
        else { return nil }
        return .loadBytes(header, offset: offset, count: count)
    }

    private static func readBitwise(_ table: AttributeTable) -> RuleExpression? {
        guard table.network(NFTA_BITWISE_SREG) == register, table.network(NFTA_BITWISE_DREG) == register,
            // 0 is "mask and xor", the only kind old kernels have.
            table.network(NFTA_BITWISE_OP) ?? 0 == 0,
            let mask = table.nested(NFTA_BITWISE_MASK)?[NFTA_DATA_VALUE],
            let xor = table.nested(NFTA_BITWISE_XOR)?[NFTA_DATA_VALUE],
            table.network(NFTA_BITWISE_LEN) == UInt32(mask.count)
        else { return nil }
        return .combine(mask: mask, xor: xor)
    }

    private static func readComparison(_ table: AttributeTable) -> RuleExpression? {
        guard table.network(NFTA_CMP_SREG) == register, let value = table.nested(NFTA_CMP_DATA)?[NFTA_DATA_VALUE]
        else { return nil }
        switch table.network(NFTA_CMP_OP) {
        case 0: return .equals(value)
        case 1: return .differs(value)
        default: return nil
        }
    }

    private static func readImmediate(_ table: AttributeTable) -> RuleExpression? {
        guard let data = table.nested(NFTA_IMMEDIATE_DATA) else { return nil }
        switch table.network(NFTA_IMMEDIATE_DREG) {
        case register:
            return data[NFTA_DATA_VALUE].map { .set($0) }
        case verdictRegister:
            return data.nested(NFTA_DATA_VERDICT)?.network(NFTA_VERDICT_CODE) == acceptCode ? .accept : nil
        default:
            return nil
        }
    }

    private static func readRedirect(_ table: AttributeTable) -> RuleExpression? {
        // The kernel reports "to this very port" as a range of one and as the flag for "a port is given" (2).
        let flags = table.network(NFTA_REDIR_FLAGS) ?? 2
        guard table.network(NFTA_REDIR_REG_PROTO_MIN) == register, flags & ~2 == 0,
            table.network(NFTA_REDIR_REG_PROTO_MAX) ?? register == register
        else { return nil }
        return .redirect
    }

    private static func readSourceNAT(_ table: AttributeTable) -> RuleExpression? {
        // One address is reported as a range of one, and as the flag for "an address is given" (1).
        let flags = table.network(NFTA_NAT_FLAGS) ?? 1
        guard table.network(NFTA_NAT_TYPE) == sourceNATType, table.network(NFTA_NAT_REG_ADDR_MIN) == register,
            table.network(NFTA_NAT_REG_ADDR_MAX) ?? register == register, table[NFTA_NAT_REG_PROTO_MIN] == nil,
            flags & ~1 == 0
        else { return nil }
        let families: [IPAddress.Family] = [.v4, .v6]
        return families.first { number(of: $0) == table.network(NFTA_NAT_FAMILY) }.map { .sourceNAT($0) }
    }
}
