import CNetlink
import MeshModel

/// One step of an nftables rule, as far as our rules use them. All work on register 1 (16 bytes). Equal values mean
/// equal behaviour, whatever else the kernel writes beside them. Pure.
enum RuleExpression: Hashable, Sendable {
    enum Meta: UInt32, Hashable, Sendable {
        case mark = 3
        case outputInterface = 5
        /// Ends the rule for packets that no socket of this namespace sent.
        case socketUser = 10
        case networkProtocol = 15
        case transportProtocol = 16
    }

    enum Header: UInt32, Hashable, Sendable {
        case network = 1
        case transport = 2
    }

    case load(Meta)
    case storeMark
    case loadConnectionMark
    case storeConnectionMark
    case loadBytes(Header, offset: UInt32, count: UInt32)
    /// register = register & mask ^ xor
    case combine(mask: [UInt8], xor: [UInt8])
    case equals([UInt8])
    case differs([UInt8])
    case set([UInt8])
    /// To the port in the register, same address family.
    case redirect
    /// The source address becomes the one in the register.
    case sourceNAT(IPAddress.Family)
    case accept
    /// Something we never write.
    case foreign(name: String, data: [UInt8])

    var name: String {
        switch self {
        case .load, .storeMark: return "meta"
        case .loadConnectionMark, .storeConnectionMark: return "ct"
        case .loadBytes: return "payload"
        case .combine: return "bitwise"
        case .equals, .differs: return "cmp"
        case .set, .accept: return "immediate"
        case .redirect: return "redir"
        case .sourceNAT: return "nat"
        case .foreign(let name, _): return name
        }
    }
}

extension RuleExpression {
    static let register: UInt32 = 1
    static let verdictRegister: UInt32 = 0
    static let connectionMarkKey: UInt32 = 3
    static let acceptCode: UInt32 = 1
    /// NFT_NAT_SNAT.
    static let sourceNATType: UInt32 = 0

    /// AF_INET and AF_INET6, which are NFPROTO_IPV4 and NFPROTO_IPV6.
    static func number(of family: IPAddress.Family) -> UInt32 { family == .v4 ? 2 : 10 }

    /// The content of NFTA_EXPR_DATA.
    func encode(into writer: inout AttributeWriter) {
        switch self {
        case .load(let meta):
            writer.add(NFTA_META_DREG, network: Self.register)
            writer.add(NFTA_META_KEY, network: meta.rawValue)
        case .storeMark:
            writer.add(NFTA_META_KEY, network: Meta.mark.rawValue)
            writer.add(NFTA_META_SREG, network: Self.register)
        case .loadConnectionMark:
            writer.add(NFTA_CT_DREG, network: Self.register)
            writer.add(NFTA_CT_KEY, network: Self.connectionMarkKey)
        case .storeConnectionMark:
            writer.add(NFTA_CT_KEY, network: Self.connectionMarkKey)
            writer.add(NFTA_CT_SREG, network: Self.register)
        case .loadBytes(let header, let offset, let count):
            writer.add(NFTA_PAYLOAD_DREG, network: Self.register)
            writer.add(NFTA_PAYLOAD_BASE, network: header.rawValue)
            writer.add(NFTA_PAYLOAD_OFFSET, network: offset)
            writer.add(NFTA_PAYLOAD_LEN, network: count)
        case .combine(let mask, let xor):
            writer.add(NFTA_BITWISE_SREG, network: Self.register)
            writer.add(NFTA_BITWISE_DREG, network: Self.register)
            writer.add(NFTA_BITWISE_LEN, network: UInt32(mask.count))
            writer.addNested(NFTA_BITWISE_MASK) { $0.add(NFTA_DATA_VALUE, mask) }
            writer.addNested(NFTA_BITWISE_XOR) { $0.add(NFTA_DATA_VALUE, xor) }
        case .equals(let value):
            Self.encodeComparison(0, value, into: &writer)
        case .differs(let value):
            Self.encodeComparison(1, value, into: &writer)
        case .set(let value):
            writer.add(NFTA_IMMEDIATE_DREG, network: Self.register)
            writer.addNested(NFTA_IMMEDIATE_DATA) { $0.add(NFTA_DATA_VALUE, value) }
        case .redirect:
            writer.add(NFTA_REDIR_REG_PROTO_MIN, network: Self.register)
        case .sourceNAT(let family):
            writer.add(NFTA_NAT_TYPE, network: Self.sourceNATType)
            writer.add(NFTA_NAT_FAMILY, network: Self.number(of: family))
            writer.add(NFTA_NAT_REG_ADDR_MIN, network: Self.register)
        case .accept:
            writer.add(NFTA_IMMEDIATE_DREG, network: Self.verdictRegister)
            writer.addNested(NFTA_IMMEDIATE_DATA) { data in
                data.addNested(NFTA_DATA_VERDICT) { $0.add(NFTA_VERDICT_CODE, network: Self.acceptCode) }
            }
        case .foreign:
            preconditionFailure("a foreign expression is only ever read")
        }
    }

    private static func encodeComparison(_ operation: UInt32, _ value: [UInt8], into writer: inout AttributeWriter) {
        writer.add(NFTA_CMP_SREG, network: register)
        writer.add(NFTA_CMP_OP, network: operation)
        writer.addNested(NFTA_CMP_DATA) { $0.add(NFTA_DATA_VALUE, value) }
    }
}
