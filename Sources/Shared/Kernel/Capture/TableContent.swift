import CNetlink

/// The table as the kernel reports it. Pure.
struct TableContent: Hashable, Sendable {
    struct Header: Hashable, Sendable {
        var flags: UInt32
        /// Netlink port of the owner; `nil` when nobody owns it.
        var ownerPort: UInt32?
    }

    struct Chain: Hashable, Sendable {
        var name: String
        /// `nil` for a chain without hook.
        var kind: String?
        var hook: UInt32?
        var priority: Int32?
        var policy: UInt32?
    }

    var header: Header?
    var chains: [Chain] = []
    /// By chain, in order.
    var rules: [String: [CaptureRule]] = [:]

    private static let familyInet: UInt8 = 1

    /// From a GETTABLE dump; other tables are passed over.
    mutating func addTable(_ body: [UInt8]) throws(KernelError) {
        guard let table = try Self.attributes(of: body, "list tables"),
            table.text(NFTA_TABLE_NAME) == CapturePlan.tableName
        else { return }
        guard let flags = table.network(NFTA_TABLE_FLAGS) else { throw .malformedAnswer(operation: "list tables") }
        let owner = table[number: UInt16(apus_nfta_table_owner)].map { $0.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        header = Header(flags: flags, ownerPort: owner)
    }

    mutating func addChain(_ body: [UInt8]) throws(KernelError) {
        guard let table = try Self.attributes(of: body, "list chains"),
            table.text(NFTA_CHAIN_TABLE) == CapturePlan.tableName
        else { return }
        guard let name = table.text(NFTA_CHAIN_NAME) else { throw .malformedAnswer(operation: "list chains") }
        let hook = table.nested(NFTA_CHAIN_HOOK)
        chains.append(
            Chain(
                name: name, kind: table.text(NFTA_CHAIN_TYPE), hook: hook?.network(NFTA_HOOK_HOOKNUM),
                priority: hook?.network(NFTA_HOOK_PRIORITY).map { Int32(bitPattern: $0) },
                policy: table.network(NFTA_CHAIN_POLICY)))
    }

    mutating func addRule(_ body: [UInt8]) throws(KernelError) {
        guard let table = try Self.attributes(of: body, "list rules"),
            table.text(NFTA_RULE_TABLE) == CapturePlan.tableName
        else { return }
        guard let chain = table.text(NFTA_RULE_CHAIN) else { throw .malformedAnswer(operation: "list rules") }
        var expressions: [RuleExpression] = []
        if table[NFTA_RULE_EXPRESSIONS] != nil {
            guard let list = table.nested(NFTA_RULE_EXPRESSIONS) else {
                throw .malformedAnswer(operation: "list rules")
            }
            for element in list.elements {
                guard let parts = AttributeTable(element.payload), let name = parts.text(NFTA_EXPR_NAME) else {
                    throw .malformedAnswer(operation: "list rules")
                }
                expressions.append(RuleExpression(name: name, data: parts[NFTA_EXPR_DATA] ?? []))
            }
        }
        let comment = Self.comment(in: table[NFTA_RULE_USERDATA] ?? [])
        rules[chain, default: []].append(CaptureRule(comment: comment, expressions: expressions))
    }

    private static func attributes(of body: [UInt8], _ operation: String) throws(KernelError) -> AttributeTable? {
        guard body.count >= 4, let table = AttributeTable(body[4...]) else {
            throw .malformedAnswer(operation: operation)
        }
        return body[0] == familyInet ? table : nil
    }

    /// The first record of type 0; empty where there is none.
    private static func comment(in userData: [UInt8]) -> String {
        guard userData.count > 2, userData[0] == 0, userData.count >= 2 + Int(userData[1]) else { return "" }
        return String(decoding: userData[2..<(2 + Int(userData[1]))].prefix { $0 != 0 }, as: UTF8.self)
    }
}
