import CNetlink

/// The nftables requests of a table of family inet, as bytes. Pure.
enum TableMessages {
    private static let familyInet: UInt8 = 1
    private static let chainPolicyAccept: UInt32 = 1
    /// Type of the comment record in a rule's user data, as libnftnl writes it.
    private static let commentRecord: UInt8 = 0

    static func begin(_ label: String) -> NetlinkMessage { mark(label, type: 0x10) }
    static func end(_ label: String) -> NetlinkMessage { mark(label, type: 0x11) }

    /// Everything out and everything in, in this order: make sure there is a table to delete, delete it, make ours.
    /// In one batch no packet sees anything in between. Making the table first also makes deleting infallible.
    static func replace(with plan: CapturePlan, ownership: TableOwnership) -> [NetlinkMessage] {
        [table(flags: nil), delete(), table(flags: ownership.flags)]
            + plan.chains.map(chain)
            + plan.chains.flatMap { chain in chain.rules.map { rule($0, in: chain.name) } }
    }

    /// Removes the table whether it is there or not.
    static var remove: [NetlinkMessage] { [table(flags: nil), delete()] }

    /// Without flags it changes nothing in a table that is there.
    static func table(flags: UInt32?) -> NetlinkMessage {
        request("make table \(CapturePlan.tableName)", NFT_MSG_NEWTABLE, flags: NetlinkFlags.create) { writer in
            writer.add(NFTA_TABLE_NAME, text: CapturePlan.tableName)
            if let flags { writer.add(NFTA_TABLE_FLAGS, network: flags) }
        }
    }

    static func delete() -> NetlinkMessage {
        request("delete table \(CapturePlan.tableName)", NFT_MSG_DELTABLE) { writer in
            writer.add(NFTA_TABLE_NAME, text: CapturePlan.tableName)
        }
    }

    static func chain(_ chain: CaptureChain) -> NetlinkMessage {
        request("make chain \(chain.name)", NFT_MSG_NEWCHAIN, flags: NetlinkFlags.create) { writer in
            writer.add(NFTA_CHAIN_TABLE, text: CapturePlan.tableName)
            writer.add(NFTA_CHAIN_NAME, text: chain.name)
            writer.addNested(NFTA_CHAIN_HOOK) { hook in
                hook.add(NFTA_HOOK_HOOKNUM, network: chain.hook.rawValue)
                hook.add(NFTA_HOOK_PRIORITY, network: UInt32(bitPattern: chain.priority))
            }
            writer.add(NFTA_CHAIN_POLICY, network: chainPolicyAccept)
            writer.add(NFTA_CHAIN_TYPE, text: chain.kind.rawValue)
        }
    }

    static func rule(_ rule: CaptureRule, in chain: String) -> NetlinkMessage {
        let flags = NetlinkFlags.create | NetlinkFlags.append
        return request("add rule \"\(rule.comment)\"", NFT_MSG_NEWRULE, flags: flags) { writer in
            writer.add(NFTA_RULE_TABLE, text: CapturePlan.tableName)
            writer.add(NFTA_RULE_CHAIN, text: chain)
            writer.addNested(NFTA_RULE_EXPRESSIONS) { list in
                for expression in rule.expressions {
                    list.addNested(NFTA_LIST_ELEM) { element in
                        element.add(NFTA_EXPR_NAME, text: expression.name)
                        element.addNested(NFTA_EXPR_DATA) { expression.encode(into: &$0) }
                    }
                }
            }
            let text = Array(rule.comment.utf8) + [0]
            writer.add(NFTA_RULE_USERDATA, [commentRecord, UInt8(text.count)] + text)
        }
    }

    static var listTables: NetlinkMessage {
        dump("list tables", NFT_MSG_GETTABLE) { _ in }
    }

    static var listChains: NetlinkMessage {
        dump("list chains", NFT_MSG_GETCHAIN) { _ in }
    }

    static var listRules: NetlinkMessage {
        dump("list rules", NFT_MSG_GETRULE) { $0.add(NFTA_RULE_TABLE, text: CapturePlan.tableName) }
    }

    private static func request(
        _ label: String, _ message: nf_tables_msg_types, flags: UInt16 = 0, _ body: (inout AttributeWriter) -> Void
    ) -> NetlinkMessage {
        build(label, message, flags: NetlinkFlags.request | NetlinkFlags.acknowledge | flags, body)
    }

    private static func dump(
        _ label: String, _ message: nf_tables_msg_types, _ body: (inout AttributeWriter) -> Void
    ) -> NetlinkMessage {
        build(label, message, flags: NetlinkFlags.request | NetlinkFlags.dump, body)
    }

    private static func build(
        _ label: String, _ message: nf_tables_msg_types, flags: UInt16, _ body: (inout AttributeWriter) -> Void
    ) -> NetlinkMessage {
        var writer = AttributeWriter()
        body(&writer)
        // struct nfgenmsg: family, version, resource.
        return NetlinkMessage(
            label: label, type: UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(truncatingIfNeeded: message.rawValue),
            flags: flags, body: [familyInet, 0, 0, 0] + writer.bytes)
    }

    /// Begin and end marks carry the subsystem as resource.
    private static func mark(_ label: String, type: UInt16) -> NetlinkMessage {
        NetlinkMessage(
            label: label, type: type, flags: NetlinkFlags.request,
            body: [0, 0] + .network(UInt16(NFNL_SUBSYS_NFTABLES)))
    }
}

extension TableOwnership {
    /// NFTA_TABLE_FLAGS.
    var flags: UInt32 {
        switch self {
        case .persistentOwner: return apus_nft_table_owner | apus_nft_table_persist
        case .owner: return apus_nft_table_owner
        case .unowned: return 0
        }
    }
}
