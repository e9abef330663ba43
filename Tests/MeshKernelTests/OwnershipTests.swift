import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// Who may change the table, and who finds out.
@Suite struct OwnershipTests {
    @Test("another process can neither flush nor delete an owned table")
    func ownedTableIsProtected() throws {
        let fixture = try PodFixture()
        let table = try CaptureTable(in: fixture.pod.namespace)
        try table.install(CaptureRules())
        #expect(table.ownership == .persistentOwner)
        try fixture.pod.run("nft", "flush", "ruleset")
        #expect(try table.verify(CaptureRules()) == .equal)
        #expect(try fixture.pod.runAnyStatus("nft", "delete", "table", "inet", "apus").status != 0)
        #expect(try fixture.pod.runAnyStatus("nft", "flush", "table", "inet", "apus").status != 0)
        #expect(try table.verify(CaptureRules()) == .equal)
    }

    @Test("a second owner is refused and told who owns the table")
    func secondOwnerIsRefused() throws {
        let fixture = try PodFixture()
        let first = try CaptureTable(in: fixture.pod.namespace)
        try first.install(CaptureRules())
        let second = try CaptureTable(in: fixture.pod.namespace)
        let refusal = #expect(throws: KernelError.self) { try second.install(CaptureRules()) }
        guard case .tableOwnedByAnother("apus", _) = refusal else {
            Issue.record("expected tableOwnedByAnother, found \(String(describing: refusal))")
            return
        }
        #expect(throws: KernelError.self) { try second.remove() }
        #expect(try first.verify(CaptureRules()) == .equal)
    }

    @Test("the table outlives its owner and a successor claims it")
    func successorClaims() throws {
        let fixture = try PodFixture()
        let proxy = try fixture.proxyListener(TunnelPorts.outbound)
        do {
            let first = try CaptureTable(in: fixture.pod.namespace)
            try first.install(CaptureRules())
        }
        let listing = try fixture.pod.run("nft", "list", "table", "inet", "apus")
        #expect(listing.contains("redirect to :15001"))
        let connection = try fixture.connect(from: fixture.pod, to: TransportAddress(PodFixture.farV4, port: 80))
        let live = PingPong(client: connection, server: try proxy.accept())
        let second = try CaptureTable(in: fixture.pod.namespace)
        guard case .differs(let words) = try second.verify(CaptureRules()) else {
            Issue.record("expected a difference in ownership before the claim")
            return
        }
        #expect(words.contains("table apus"))
        try second.install(CaptureRules())
        #expect(second.ownership == .persistentOwner)
        #expect(try second.verify(CaptureRules()) == .equal)
        #expect(try fixture.pod.runAnyStatus("nft", "delete", "table", "inet", "apus").status != 0)
        try live.expectProgress()
        try live.stop()
    }

    @Test("a table is taken over, whatever flags it was left with", arguments: TableOwnership.allCases)
    func takesOverAnyTable(left: TableOwnership) throws {
        let fixture = try PodFixture()
        do {
            let first = try CaptureTable(in: fixture.pod.namespace, ladder: [left])
            try first.install(CaptureRules(captureInbound: false))
            #expect(first.ownership == left)
        }
        let exists = try fixture.pod.runAnyStatus("nft", "list", "table", "inet", "apus").status == 0
        #expect(exists == (left != .owner))
        let second = try CaptureTable(in: fixture.pod.namespace)
        try second.install(CaptureRules())
        #expect(try second.verify(CaptureRules()) == .equal)
    }

    @Test("a socket handed over keeps the table without a gap")
    func socketIsHandedOver() throws {
        let fixture = try PodFixture()
        let second: CaptureTable
        do {
            let first = try CaptureTable(in: fixture.pod.namespace)
            try first.install(CaptureRules())
            second = try CaptureTable(in: fixture.pod.namespace, adoptingOwner: first.ownerDescriptor())
        }
        #expect(try second.verify(CaptureRules()) == .equal)
        #expect(try fixture.pod.runAnyStatus("nft", "delete", "table", "inet", "apus").status != 0)
        try second.install(CaptureRules(captureInbound: false))
        #expect(try second.verify(CaptureRules(captureInbound: false)) == .equal)
    }
}
