import Foundation
import MeshTesting
import Testing
import Yams

@Suite("Rules and boards")
struct MonitoringTests {
    private static let folder = "deploy/overlays/monitoring"
    private static let boards = ["control-plane", "nodes", "traffic"]

    /// The groups of the rules, as Prometheus reads them from a file.
    private func ruleText() throws -> String {
        let rule = try #require(try Yams.load(yaml: try Repository.text("\(Self.folder)/rules.yaml")) as? [String: Any])
        return try Yams.dump(object: try #require(rule["spec"] as? [String: Any]))
    }

    private func ruleExpressions() throws -> [String] {
        let spec = try #require(try Yams.load(yaml: ruleText()) as? [String: Any])
        let groups = try #require(spec["groups"] as? [[String: Any]])
        return groups.flatMap { ($0["rules"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String } }
    }

    private func board(_ name: String) throws -> [String: Any] {
        let data = Data(try Repository.text("\(Self.folder)/boards/\(name).json").utf8)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func boardExpressions(_ name: String) throws -> [String] {
        let panels = try #require(try board(name)["panels"] as? [[String: Any]])
        return try panels.flatMap { panel in
            try #require(panel["targets"] as? [[String: Any]]).compactMap { $0["expr"] as? String }
        }
    }

    @Test("promtool takes the rules, and alerts fire when they should", .enabled(if: Repository.promtool != nil))
    func promtool() throws {
        let promtool = try #require(Repository.promtool)
        let folder = try TemporaryDirectory()
        try ruleText().write(toFile: "\(folder.path)/rules.yaml", atomically: true, encoding: .utf8)
        try Repository.text("Tests/Fixtures/Deploy/alerts.yaml").write(
            toFile: "\(folder.path)/alerts.yaml", atomically: true, encoding: .utf8)
        let checked = try Shell.run([promtool, "check", "rules", "\(folder.path)/rules.yaml"])
        #expect(checked.contains("SUCCESS"), "\(checked)")
        let tested = try Shell.run([promtool, "test", "rules", "\(folder.path)/alerts.yaml"])
        #expect(tested.contains("SUCCESS"), "\(tested)")
    }

    @Test("every alert says how bad it is, what it is and what it means")
    func alerts() throws {
        let spec = try #require(try Yams.load(yaml: ruleText()) as? [String: Any])
        let groups = try #require(spec["groups"] as? [[String: Any]])
        let alerts = groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }.filter { $0["alert"] != nil }
        #expect(alerts.count >= 15)
        for alert in alerts {
            let name = alert["alert"] as? String ?? "?"
            let severity = (alert["labels"] as? [String: String])?["severity"] ?? ""
            #expect(["critical", "warning", "info"].contains(severity), "\(name)")
            let told = alert["annotations"] as? [String: String] ?? [:]
            #expect(Set(told.keys) == ["summary", "description"], "\(name)")
        }
    }

    @Test("boards have panels with queries, and names of their own")
    func boardShape() throws {
        var identifiers: Set<String> = []
        for name in Self.boards {
            let board = try board(name)
            identifiers.insert(try #require(board["uid"] as? String))
            let panels = try #require(board["panels"] as? [[String: Any]])
            #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
            #expect(try boardExpressions(name).count >= panels.count)
        }
        #expect(identifiers.count == Self.boards.count)
    }

    @Test("every metric in a rule or on a board is one that our programs expose")
    func metrics() throws {
        let exposed = try exposedNames()
        let expressions = try ruleExpressions() + Self.boards.flatMap { try boardExpressions($0) }
        var seen: Set<String> = []
        for expression in expressions {
            for match in expression.matches(of: /\b(?:istio|apus|apusd|process)_[a-z_]+/) {
                let name = String(match.output)
                seen.insert(name)
                #expect(exposed.contains(name), "\(name) in: \(expression)")
            }
        }
        #expect(seen.count >= 30)
        #expect(!exposed.contains("istio_no_such_total"))
    }

    /// Names as a scrape has them: those that stand in the sources of what exposes them, with the endings of their
    /// types.
    private func exposedNames() throws -> Set<String> {
        var names: Set<String> = []
        for folder in ["Shared/Telemetry", "Shared/Tracing", "ControlPlane/Serve", "Ztunnel/Main"] {
            let path = "\(Repository.root)/Sources/\(folder)"
            for file in try FileManager.default.subpathsOfDirectory(atPath: path) where file.hasSuffix(".swift") {
                let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
                for match in text.matches(of: /"((?:istio|apus|apusd|process)_[a-z_]+)"/) {
                    let name = String(match.output.1)
                    names.formUnion([name, "\(name)_total", "\(name)_bucket", "\(name)_sum", "\(name)_count"])
                }
            }
        }
        return names
    }
}
