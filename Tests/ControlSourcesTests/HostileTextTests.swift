import ControlSources
import ControlTranslate
import Foundation
import MeshModel
import SeededTesting
import Testing

@Suite struct HostileTextTests {
    /// A policy that uses every field L4 knows, one key per line.
    private static func policy(_ action: String) -> [String] {
        [
            "apiVersion: security.istio.io/v1", "kind: AuthorizationPolicy", "metadata:", "  name: all",
            "  namespace: shop", "spec:", "  action: \(action)", "  selector:", "    matchLabels:", "      app: web",
            "  rules:", "  - from:", "    - source:", "        principals: [a]", "        notPrincipals: [b]",
            "        namespaces: [c]", "        notNamespaces: [d]", "        serviceAccounts: [e]",
            "        notServiceAccounts: [f]", "        ipBlocks: [10.0.0.0/8]", "        notIpBlocks: [10.1.0.0/16]",
            "    to:", "    - operation:", "        ports: ['80']", "        notPorts: ['81']", "    when:",
            "    - key: source.ip", "      values: [10.2.0.0/16]", "      notValues: [10.3.0.0/16]",
        ]
    }

    private func policies(_ lines: [String]) -> [AuthorizationPolicy] {
        let file = ResourceFile.parse(text: lines.joined(separator: "\n"), path: "x.yaml")
        return Translate.translate(file.resources, TranslateSettings()).policies
    }

    @Test("a slip in any key of an ALLOW policy's spec lets nothing through that was not let through before")
    func allowSlips() {
        let lines = Self.policy("ALLOW")
        #expect(policies(lines).first?.rules.count == 1)
        for index in lines.indices.dropFirst(6) {
            var slipped = lines
            slipped[index].replace(/[a-zA-Z]+:/, maxReplacements: 1) { "x" + $0.output }
            // The label is data: with another one the policy selects other workloads.
            if lines[index].contains("app:") { continue }
            let result = policies(slipped)
            #expect(result.count == 1, "\(slipped[index])")
            #expect(result.allSatisfy { $0.action == .allow && $0.rules.isEmpty }, "\(slipped[index])")
        }
    }

    @Test("a slip in any key of a DENY policy's spec denies at least what was denied before")
    func denySlips() {
        let lines = Self.policy("DENY")
        let before = policies(lines).first?.rules.first?.clauses ?? []
        #expect(before.count == 3)
        for index in lines.indices.dropFirst(7) where !lines[index].contains("app:") {
            var slipped = lines
            slipped[index].replace(/[a-zA-Z]+:/, maxReplacements: 1) { "x" + $0.output }
            let result = policies(slipped)
            let clauses = result.first?.rules.first?.clauses
            #expect(result.first?.action == .deny && result.first?.rules.count == 1, "\(slipped[index])")
            #expect(clauses.map { isWider($0, before) } == true, "\(slipped[index])")
        }
    }

    /// Each clause is one of those before, or one of them with fields taken away. Clauses have one match here.
    private func isWider(_ clauses: [AuthorizationPolicy.Clause], _ before: [AuthorizationPolicy.Clause]) -> Bool {
        clauses.allSatisfy { clause in
            clause.matches.allSatisfy { $0 != AuthorizationPolicy.Match() }
                && before.contains { isWider(clause.matches[0], $0.matches[0]) }
        }
    }

    private func isWider(_ match: AuthorizationPolicy.Match, _ before: AuthorizationPolicy.Match) -> Bool {
        (match.principals.isEmpty || match.principals == before.principals)
            && (match.notPrincipals.isEmpty || match.notPrincipals == before.notPrincipals)
            && (match.namespaces.isEmpty || match.namespaces == before.namespaces)
            && (match.notNamespaces.isEmpty || match.notNamespaces == before.notNamespaces)
            && (match.serviceAccounts.isEmpty || match.serviceAccounts == before.serviceAccounts)
            && (match.notServiceAccounts.isEmpty || match.notServiceAccounts == before.notServiceAccounts)
            && (match.sourceIPs.isEmpty || match.sourceIPs == before.sourceIPs)
            && (match.notSourceIPs.isEmpty || match.notSourceIPs == before.notSourceIPs)
            && (match.destinationPorts.isEmpty || match.destinationPorts == before.destinationPorts)
            && (match.notDestinationPorts.isEmpty || match.notDestinationPorts == before.notDestinationPorts)
    }

    /// A policy of a waypoint that uses every field a node has not, one key per line.
    private static func waypointPolicy(_ action: String) -> [String] {
        [
            "apiVersion: security.istio.io/v1", "kind: AuthorizationPolicy", "metadata:", "  name: all",
            "  namespace: shop", "spec:", "  action: \(action)", "  targetRefs:", "  - kind: Service", "    name: web",
            "  rules:", "  - from:", "    - source:", "        requestPrincipals: [i/s]",
            "        notRequestPrincipals: [i/t]", "        trustDomains: [td]", "        notTrustDomains: [te]",
            "        remoteIpBlocks: [10.0.0.0/8]", "        notRemoteIpBlocks: [10.1.0.0/16]", "    to:",
            "    - operation:", "        hosts: [h]", "        notHosts: [i]", "        methods: [GET]",
            "        notMethods: [PUT]", "        paths: ['/a/{*}']", "        notPaths: [/b]", "    when:",
            "    - key: request.headers[x]", "      values: [a]", "      notValues: [b]",
        ]
    }

    private func world(_ lines: [String]) -> DesiredWorld {
        let file = ResourceFile.parse(text: lines.joined(separator: "\n"), path: "x.yaml")
        return Translate.translate(file.resources, TranslateSettings())
    }

    @Test("a slip in any key of a waypoint's policy closes what it touches", arguments: ["ALLOW", "DENY"])
    func waypointSlips(_ action: String) throws {
        let lines = Self.waypointPolicy(action)
        let before = try #require(world(lines).requestPolicies.first?.rules.first).clauses
        #expect(before.map { $0.matches.first?.terms.count } == [6, 6, 2])
        for index in lines.indices.dropFirst(action == "ALLOW" ? 6 : 7) {
            var slipped = lines
            slipped[index].replace(/[a-zA-Z]+:/, maxReplacements: 1) { "x" + $0.output }
            let result = world(slipped)
            // Without its targets the policy falls to the node, which closes as well.
            #expect(result.requestPolicies.count + result.policies.count == 1, "\(slipped[index])")
            guard action == "DENY" else {
                let isAllow = result.requestPolicies.allSatisfy { $0.action == .allow }
                let isClosed = result.requestPolicies.flatMap(\.rules).allSatisfy { $0 == .never }
                #expect(isAllow && isClosed && result.policies.allSatisfy { $0.rules.isEmpty }, "\(slipped[index])")
                continue
            }
            #expect(result.policies.allSatisfy { $0.rules == [.init(clauses: [])] }, "\(slipped[index])")
            for policy in result.requestPolicies {
                #expect(policy.action == .deny && policy.rules.count == 1, "\(slipped[index])")
                let clauses = policy.rules.first?.clauses ?? []
                let isWider = clauses.allSatisfy { clause in
                    let terms = Set(clause.matches[0].terms)
                    return !terms.isEmpty && before.contains { terms.isSubset(of: $0.matches[0].terms) }
                }
                #expect(isWider, "\(slipped[index])")
            }
        }
    }

    @Test("damaged files never end the process, and say the same each time", arguments: 0..<8)
    func damage(_ part: Int) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/Translate")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        // More rounds are other damage, too: the count is part of the seed.
        let rounds = ProcessInfo.processInfo.environment["FUZZ_ROUNDS"].flatMap(Int.init) ?? 25
        var random = SeededGenerator(seed: UInt64(part) &* 1_000_003 &+ UInt64(rounds))
        for name in names.sorted() {
            let original = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
            for _ in 0..<rounds {
                let text = String(decoding: Self.damaged(original, &random), as: UTF8.self)
                let file = ResourceFile.parse(text: text, path: name)
                #expect(!file.isMalformed || !file.findings.isEmpty)
                let world = Translate.translate(file.resources, TranslateSettings())
                #expect(world == Translate.translate(file.resources, TranslateSettings()), "seed part \(part), \(name)")
            }
        }
    }

    private static let pieces: [String] = [
        "\n", "\n\n", "- ", "? ", ": ", "{", "}", "[", "]", "\"", "'", "&a ", "*a ", "<<: *a\n", "---\n", "...\n",
        "|\n", ">-\n", "!!str ", "!x ", "%YAML 1.1\n", "# ", "\t", "\u{0}", "\u{85}", "\u{2028}", "\u{FEFF}",
        "~", "null", "true", "-1", "99999999999999999999", "0x10", "\\u12", "\u{1F680}",
    ]

    private static func damaged(_ original: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0..<max(1, bytes.count), using: &random)
            let end = min(bytes.count, at + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
            case 2: bytes.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: at)
            default: bytes[at..<end] = ArraySlice((at..<end).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
        }
        return bytes
    }
}
