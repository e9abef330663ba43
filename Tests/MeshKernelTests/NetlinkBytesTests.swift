import MeshModel
import Testing

@testable import MeshKernel

/// The encoding, byte by byte, without a socket. Expected bytes are for little-endian machines, as all we run on.
@Suite struct NetlinkBytesTests {
    @Test("a message has the netlink header and is padded to four bytes")
    func header() {
        let message = NetlinkMessage(label: "x", type: 0x0a03, flags: 0x0405, body: [1, 2, 3, 4, 5])
        #expect(message.encoded(sequence: 7) == [
            21, 0, 0, 0, 0x03, 0x0a, 0x05, 0x04, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0,
        ])
    }

    @Test("the table request carries name and flags")
    func tableRequest() {
        let message = TableMessages.table(flags: TableOwnership.persistentOwner.flags)
        #expect(message.type == 0x0a00)
        #expect(message.body == [
            1, 0, 0, 0,
            9, 0, 1, 0, 0x61, 0x70, 0x75, 0x73, 0, 0, 0, 0,
            8, 0, 2, 0, 0, 0, 0, 6,
        ])
    }

    @Test("batch marks carry the nftables subsystem")
    func marks() {
        #expect(TableMessages.begin("x").body == [0, 0, 0, 10])
        #expect(TableMessages.begin("x").type == 0x10)
        #expect(TableMessages.end("x").type == 0x11)
    }

    @Test("a chain request carries hook and priority in network order")
    func chainRequest() throws {
        let chain = CaptureChain(name: "c", kind: .route, hook: .output, priority: -150, rules: [])
        let table = try #require(AttributeTable(TableMessages.chain(chain).body[4...]))
        #expect(table[number: 1] == Array("apus".utf8) + [0])
        #expect(table[number: 3] == Array("c".utf8) + [0])
        #expect(table[number: 4] == [8, 0, 1, 0, 0, 0, 0, 3, 8, 0, 2, 0, 0xff, 0xff, 0xff, 0x6a])
        #expect(table[number: 5] == [0, 0, 0, 1])
        #expect(table[number: 7] == Array("route".utf8) + [0])
    }

    @Test("the routing rule request is exactly this")
    func routingRule() {
        let message = RoutingMessages.addRule(.v4)
        #expect(message.type == 32)
        #expect(message.flags == 0x605)
        #expect(message.body == [
            2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
            8, 0, 6, 0, 0xfc, 0x7f, 0, 0,
            8, 0, 10, 0, 0x11, 0x01, 0, 0,
            8, 0, 16, 0, 0xff, 0x0f, 0, 0,
            8, 0, 15, 0, 100, 0, 0, 0,
        ])
        #expect(RoutingMessages.isOurRule(message.body))
        #expect(RoutingMessages.isOurRoute(RoutingMessages.replaceRoute(.v6).body))
        #expect(!RoutingMessages.isOurRoute(message.body))
    }

    @Test("a routing rule with any other condition is not ours")
    func narrowedRule() {
        let body = RoutingMessages.addRule(.v4).body
        #expect(!RoutingMessages.isOurRule(body + [6, 0, 3, 0, 0x6c, 0x6f, 0, 0]))
        var turned = body
        turned[8] = 2
        #expect(!RoutingMessages.isOurRule(turned))
    }

    @Test("every expression of every plan is read back as itself")
    func expressionsRoundTrip() {
        for rules in [CaptureRules(), CaptureRules(keeperOnly: true)] {
            for expression in CapturePlan(rules).chains.flatMap(\.rules).flatMap(\.expressions) {
                var writer = AttributeWriter()
                expression.encode(into: &writer)
                #expect(RuleExpression(name: expression.name, data: writer.bytes) == expression)
            }
        }
    }

    @Test("an expression that differs in one byte is not read as the same")
    func oneByteMatters() {
        for expression in Set(CapturePlan(CaptureRules()).chains.flatMap(\.rules).flatMap(\.expressions)) {
            var writer = AttributeWriter()
            expression.encode(into: &writer)
            for index in writer.bytes.indices where isSignificant(index, in: writer.bytes) {
                var changed = writer.bytes
                changed[index] ^= 0x40
                #expect(RuleExpression(name: expression.name, data: changed) != expression, "\(expression) \(index)")
            }
        }
    }

    /// All but padding and the two flag bits of attribute types (0x40 of the type's high byte).
    private func isSignificant(_ index: Int, in bytes: [UInt8]) -> Bool {
        var start = 0
        while start < bytes.count {
            let length = Int(bytes[start]) | Int(bytes[start + 1]) << 8
            if index == start + 3 { return false }
            if index < start + length {
                let nested = bytes[start + 3] & 0x80 != 0
                guard nested, index >= start + 4 else { return true }
                return isSignificant(index - start - 4, in: Array(bytes[(start + 4)..<(start + length)]))
            }
            start += (length + 3) & ~3
            if index < start { return false }
        }
        return false
    }

    @Test("redirects look at the first packet of a connection only")
    func redirectsAreForConnectionStarts() {
        let start: [RuleExpression] = [
            .loadBytes(.transport, offset: 13, count: 1), .combine(mask: [0x12], xor: [0]), .equals([0x02]),
        ]
        let redirects = CapturePlan(CaptureRules()).chains.flatMap(\.rules).filter {
            $0.expressions.contains(.redirect)
        }
        #expect(redirects.count == 4)
        for rule in redirects {
            #expect(rule.expressions.contains(start), "\(rule.comment)")
        }
    }

    @Test("the same probe sources in another order are the same plan")
    func orderOfProbesDoesNotMatter() {
        let sources = CaptureRules.defaultProbeSources
        let turned = CaptureRules(probeSources: sources.reversed() + sources)
        #expect(CapturePlan(turned) == CapturePlan(CaptureRules()))
    }

    @Test("a refusal is read with the kernel's own words")
    func refusal() throws {
        var body: [UInt8] = .host(Int32(-17))
        // The refused request's header only (NLM_F_CAPPED), then the message.
        body += [UInt8](repeating: 0, count: 16)
        body += [9, 0, 1, 0] + Array("busy".utf8) + [0, 0, 0, 0]
        var datagram: [UInt8] = .host(UInt32(16 + body.count)) + .host(UInt16(2)) + .host(UInt16(0x300))
        datagram += .host(UInt32(5)) + .host(UInt32(0)) + body
        let answers = try #require(NetlinkAnswer.parse(datagram[...]))
        #expect(answers.map(\.kind) == [.status(errno: 17, message: "busy")])
        #expect(answers.first?.sequence == 5)
    }

    @Test("cut and lying datagrams are refused, none crashes")
    func hostileDatagrams() {
        var body: [UInt8] = .host(Int32(-17)) + [UInt8](repeating: 0xff, count: 16)
        body += [200, 0, 1, 0, 0x41]
        for flags in [UInt16(0), 0x200, 0x300] {
            var datagram: [UInt8] = .host(UInt32(16 + body.count)) + .host(UInt16(2)) + .host(flags)
            datagram += .host(UInt32(5)) + .host(UInt32(0)) + body
            for count in 0..<datagram.count { _ = NetlinkAnswer.parse(datagram[..<count]) }
            for index in datagram.indices {
                var changed = datagram
                changed[index] = 0xff
                _ = NetlinkAnswer.parse(changed[...])
            }
        }
        #expect(AttributeTable([3, 0, 1, 0]) == nil)
        #expect(AttributeTable([9, 0, 1, 0, 1]) == nil)
        #expect(AttributeTable([1]) == nil)
        #expect(AttributeTable([UInt8]())?.elements.isEmpty == true)
    }

    @Test("errors name the operation, the number and the kernel's reason")
    func errorTexts() {
        let refused = KernelError.netlink(operation: "make table apus", errno: 95, message: "no such flag")
        #expect(refused.description
            == "make table apus: Operation not supported (EOPNOTSUPP): kernel says \"no such flag\"")
        #expect(KernelError.system(operation: "setns", errno: 1).description
            == "setns: Operation not permitted (EPERM)")
        #expect(KernelError.system(operation: "x", errno: 99_999).description == "x: error 99999")
    }
}
