import MeshKernel
import MeshModel
import MeshTesting
import Testing

/// What reading back finds. The table is unowned here, so that others can spoil it.
@Suite struct VerifyTests {
    private func installed() throws -> (TestNamespace, CaptureTable) {
        let pod = try TestNamespace()
        let table = try CaptureTable(in: pod.namespace, ladder: [.unowned])
        try table.install(CaptureRules())
        #expect(try table.verify(CaptureRules()) == .equal)
        return (pod, table)
    }

    private func expectDifference(_ table: CaptureTable, _ part: String) throws {
        guard case .differs(let words) = try table.verify(CaptureRules()) else {
            Issue.record("expected a difference naming \(part)")
            return
        }
        #expect(words.contains(part), "\(words)")
        try table.install(CaptureRules())
        #expect(try table.verify(CaptureRules()) == .equal)
    }

    @Test("nothing is there before install")
    func absentAtFirst() throws {
        let pod = try TestNamespace()
        let table = try CaptureTable(in: pod.namespace)
        #expect(try table.verify(CaptureRules()) == .absent)
    }

    @Test("every kind of wish reads back equal, and only itself")
    func wishesReadBack() throws {
        let pod = try TestNamespace()
        let table = try CaptureTable(in: pod.namespace)
        let wishes = [
            CaptureRules(), CaptureRules(captureInbound: false), CaptureRules(ipv6: false),
            CaptureRules(probeSources: []), CaptureRules(keeperOnly: true),
        ]
        for wish in wishes {
            try table.install(wish)
            for other in wishes {
                #expect((try table.verify(other) == .equal) == (other == wish))
            }
        }
    }

    @Test("a deleted table is absent")
    func deletedTable() throws {
        let (pod, table) = try installed()
        try pod.run("nft", "flush", "ruleset")
        #expect(try table.verify(CaptureRules()) == .absent)
    }

    @Test("a flushed chain is found by its first rule")
    func flushedChain() throws {
        let (pod, table) = try installed()
        try pod.run("nft", "flush", "chain", "inet", "apus", "mangle-output")
        try expectDifference(table, "M2")
    }

    @Test("a deleted rule is named")
    func deletedRule() throws {
        let (pod, table) = try installed()
        let handle = try #require(try handle(of: "N9 outbound IPv4", in: pod))
        try pod.run("nft", "delete", "rule", "inet", "apus", "output", "handle", handle)
        try expectDifference(table, "\"N9 outbound IPv4 to 15001\" is missing")
    }

    @Test("a changed rule is named even when its comment is the same")
    func changedRule() throws {
        let (pod, table) = try installed()
        let handle = try #require(try handle(of: "N9 outbound IPv4", in: pod))
        try pod.run(
            "nft", "replace", "rule", "inet", "apus", "output", "handle", handle,
            "meta", "l4proto", "tcp", "redirect", "to", ":15002", "comment", "\"N9 outbound IPv4 to 15001\"")
        try expectDifference(table, "\"N9 outbound IPv4 to 15001\" was changed")
    }

    @Test("an added rule is found")
    func addedRule() throws {
        let (pod, table) = try installed()
        try pod.run("nft", "add", "rule", "inet", "apus", "output", "accept")
        try expectDifference(table, "chain output: expected")
    }

    @Test("a rule put in front is found")
    func insertedRule() throws {
        let (pod, table) = try installed()
        try pod.run("nft", "insert", "rule", "inet", "apus", "output", "accept")
        try expectDifference(table, "at place 1")
    }

    @Test("a foreign chain is found")
    func addedChain() throws {
        let (pod, table) = try installed()
        try pod.run("nft", "add", "chain", "inet", "apus", "surprise")
        try expectDifference(table, "surprise")
    }

    @Test("a lost routing rule and a lost route are found", arguments: ["-4", "-6"])
    func lostRouting(family: String) throws {
        let (pod, table) = try installed()
        try pod.run("ip", family, "rule", "delete", "priority", "32764")
        try expectDifference(table, "rule 32764")
        try pod.run("ip", family, "route", "flush", "table", "100")
        try expectDifference(table, "table 100")
    }

    private func handle(of comment: String, in pod: TestNamespace) throws -> String? {
        let listing = try pod.run("nft", "-a", "list", "chain", "inet", "apus", "output")
        let line = listing.split(separator: "\n").first { $0.contains(comment) }
        return line?.split(separator: " ").last.map(String.init)
    }
}
