import MeshTesting
import Testing

@Suite(
    "A live connection", .serialized,
    .mesh { plan in
        plan.isAmbient = false
        plan.certificateLifetime = "10s"
    })
struct LiveConnectionTests {
    /// 100 messages a second each way all the time; every byte is compared and every message counted at both ends.
    @Test("lives through enrolment, ten policy changes, five certificate rotations and removal without losing a byte")
    func wholeLife() async throws {
        try await inMesh { mesh in
            let before = try await mesh.steady(from: "web", to: "10.80.2.10")
            #expect(try await mesh.leftovers("web") == "", "nothing is captured before the label")

            try mesh.label(true)
            try await mesh.untilCaptured()
            try await before.expectProgress()
            let through = [
                try await mesh.steady(from: "web", to: "10.80.2.10"),
                try await mesh.steady(from: "web", to: "fd80::2:10"),
                try await mesh.steady(from: "web", to: "10.80.1.11"),
            ]
            let tunnelled = try await mesh.apus(1, "connections").output
            #expect(tunnelled.contains("10.80.2.10:15008"), "the second one goes through the tunnel: \(tunnelled)")

            try await changePolicies(10, mesh)
            for connection in [before] + through { try await connection.expectProgress() }

            try await rotate(5, mesh)
            for connection in [before] + through { try await connection.expectProgress() }

            try mesh.label(false)
            try await mesh.untilState(["batch"], "attached")
            try await mesh.untilState(["web", "cart", "api"], "leaving")
            for connection in [before] + through { try await connection.expectProgress(100) }
            #expect(try await mesh.leftovers("web") != "", "the keeper stays while a captured connection lives")

            for connection in through { #expect(try await connection.finish().sent > 100) }
            try await mesh.untilReleased()
            for pod in ["web", "cart", "api", "batch"] {
                #expect(try await mesh.leftovers(pod) == "", "something is left in \(pod)")
            }
            try await before.expectProgress()
            let whole = try await before.finish()
            #expect(whole.sent > 1000)
            #expect(whole.received > 1000)
        }
    }

    /// Each change keeps allowing `web`; it is in force when the node shows it.
    private func changePolicies(_ count: Int, _ mesh: MeshFixture) async throws {
        for change in 1...count {
            let others = (0..<change).map {
                "- from: [ { source: { principals: [ cluster.local/ns/shop/sa/other-\($0) ] } } ]"
            }
            let allowed = "- from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ]"
            let isDeny = change.isMultiple(of: 3)
            let rules = (isDeny ? others : others + [allowed]).joined(separator: "\n")
            try mesh.policy("changing", "action: \(isDeny ? "DENY" : "ALLOW")\nrules:\n\(rules)")
            try await Wait.eventually("policy change \(change) on node2", everyMilliseconds: 30) {
                let rows = try await mesh.apus(2, "policies").output.split(separator: "\n")
                let row = rows.first { $0.contains("changing") }?.split(separator: " ").map(String.init) ?? []
                let action = isDeny ? "deny" : "allow"
                return row.contains { $0.lowercased() == action } && row.contains("\(isDeny ? change : change + 1)")
            }
        }
        try mesh.remove("changing")
    }

    /// Waits until each of these pods' certificates was replaced that often.
    private func rotate(_ count: Int, _ mesh: MeshFixture) async throws {
        var seen: [String: Set<String>] = [:]
        let held = [(1, "sa/web"), (1, "sa/cart"), (2, "sa/api")]
        try await Wait.eventually("\(count) rotations", seconds: 60, everyMilliseconds: 300) {
            for (node, name) in held {
                let rows = try await mesh.apus(node, "certs").output.split(separator: "\n")
                let row = rows.first { $0.contains(name) }?.split(separator: " ").map(String.init) ?? []
                if row.count > 2 { seen[name, default: []].insert(row[2]) }
            }
            return held.allSatisfy { seen[$0.1, default: []].count > count }
        }
    }
}
