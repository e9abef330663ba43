import Foundation

/// What users of the mesh do: write resources, run `apus`, wait for what follows.
extension MeshFixture {
    package typealias Outcome = (status: Int32, output: String)

    // MARK: - Resources

    /// Puts a resource file in place at once, as tools do that care.
    package func write(_ name: String, _ text: String) throws {
        let path = "\(directory.path)/resources/\(name).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(directory.path)/resources/\(name).yaml")
    }

    package func label(_ isAmbient: Bool, _ namespace: String = "shop") throws {
        let labels = isAmbient ? "istio.io/dataplane-mode: ambient" : ""
        try write(
            "namespace-\(namespace)",
            "apiVersion: v1\nkind: Namespace\nmetadata: { name: \(namespace), labels: { \(labels) } }\n")
    }

    /// An AuthorizationPolicy of namespace `shop`; `spec` is what stands below it, without indentation.
    package func policy(_ name: String, _ spec: String) throws {
        let lines = spec.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        try write(
            name,
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: { name: \(name), namespace: shop }
            spec:
            \(lines)

            """)
    }

    // MARK: - apus

    /// Runs `apus` against a node's daemon.
    package func apus(_ node: Int, _ arguments: String...) async throws -> Outcome {
        let command = [programs.apus] + arguments + ["--socket", socket(node)]
        return try await offload { try Shell.runAnyStatus(command) }
    }

    /// Runs `apus` as it is, without a node's daemon.
    package func apus(_ arguments: [String]) async throws -> Outcome {
        let command = [programs.apus] + arguments
        return try await offload { try Shell.runAnyStatus(command) }
    }

    package func attach(_ pod: String) async throws {
        let found = try self.plan(pod)
        let outcome = try await apus(
            found.node, "attach", try namespace(pod).path, "--pod", found.key)
        guard outcome.status == 0 else { throw Refused(text: outcome.output) }
    }

    package func detach(_ pod: String) async throws {
        let found = try self.plan(pod)
        let outcome = try await apus(found.node, "detach", found.key)
        guard outcome.status == 0 else { throw Refused(text: outcome.output) }
    }

    package struct Refused: Error, CustomStringConvertible {
        package let text: String
        package var description: String { "apus refused: \(text)" }
    }

    /// State of each attached pod of a node, as `apus status` shows it.
    package func states(_ node: Int) async throws -> [String: String] {
        let table = try await apus(node, "status").output
        var states: [String: String] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count >= 2, words[0].contains("/") else { continue }
            states[String(words[0])] = String(words[1])
        }
        return states
    }

    package func untilReady(_ node: Int, seconds: Double = 30) async throws {
        try await Wait.eventually("node\(node) is ready", seconds: seconds, everyMilliseconds: 50) {
            try await apus(node, "status").output.contains("node node\(node): ready")
        }
    }

    /// Waits until the named pods (or all) are captured and every node knows.
    package func untilCaptured(_ names: [String]? = nil, seconds: Double = 20) async throws {
        let names = names ?? plan.pods.map(\.name)
        try await untilState(names, "captured", seconds: seconds)
        try await untilProtocol(names, "HBONE", seconds: seconds)
    }

    /// Waits until the named pods (or all) are attached and nothing of ours is in their namespaces.
    package func untilReleased(_ names: [String]? = nil, seconds: Double = 20) async throws {
        try await untilState(names ?? plan.pods.map(\.name), "attached", seconds: seconds)
    }

    package func untilState(_ names: [String], _ state: String, seconds: Double = 20) async throws {
        let wanted = try names.map { try self.plan($0) }
        for node in Set(wanted.map(\.node)) {
            let keys = wanted.filter { $0.node == node }.map(\.key)
            try await Wait.eventually("\(keys) are \(state)", seconds: seconds, everyMilliseconds: 50) {
                let states = try await states(node)
                return keys.allSatisfy { states[$0] == state }
            }
        }
    }

    private func untilProtocol(_ names: [String], _ name: String, seconds: Double) async throws {
        for node in 1...2 {
            try await Wait.eventually("node\(node) sees \(names) as \(name)", seconds: seconds, everyMilliseconds: 50) {
                let rows = try await apus(node, "workloads").output.split(separator: "\n")
                    .map { $0.split(separator: " ") }
                return names.allSatisfy { pod in
                    rows.contains { $0.count > 4 && $0[1] == pod && $0.contains { $0 == name } }
                }
            }
        }
    }

    // MARK: - Counters

    /// `/metrics` of a node's ztunnel.
    package func metrics(_ node: Int) async throws -> [MetricSample] {
        let namespace = nodes[node - 1]
        let text = try await offload {
            try namespace.run("curl", "-sS", "--max-time", "5", "http://127.0.0.1:15020/metrics")
        }
        return text.split(separator: "\n").compactMap { MetricSample(String($0)) }
    }

    /// `/config_dump` of a node's ztunnel.
    package func dump(_ node: Int) async throws -> String {
        let namespace = nodes[node - 1]
        return try await offload {
            try namespace.run("curl", "-sS", "--max-time", "5", "http://127.0.0.1:15000/config_dump")
        }
    }

    /// Sum of a metric over the samples that carry all these labels.
    package func metric(_ node: Int, _ name: String, _ labels: [String: String] = [:]) async throws -> Double {
        try await metrics(node).filter { sample in
            sample.name == name && labels.allSatisfy { sample.text.contains("\($0.key)=\"\($0.value)\"") }
        }.map(\.value).reduce(0, +)
    }

    /// Rules, marks and routes of ours in a pod's namespace; empty when nothing is left.
    package func leftovers(_ pod: String) async throws -> String {
        let namespace = try self.namespace(pod)
        return try await offload {
            let rules = try namespace.run("nft", "list", "ruleset")
            let marks = try ["-4", "-6"].map { try namespace.run("ip", $0, "rule") }.joined()
                .split(separator: "\n").filter { $0.contains("0x111") }.joined(separator: "\n")
            let routes = try ["-4", "-6"].map { family in
                try namespace.runAnyStatus("ip", family, "route", "show", "table", "100").output
            }.joined().split(separator: "\n").filter { $0.contains("local") }.joined(separator: "\n")
            let doors = try namespace.run("ss", "-Hltn").split(separator: "\n")
                .filter { line in [":15001 ", ":15006 ", ":15008 "].contains { line.contains($0) } }
            return rules + marks + routes + doors.joined(separator: "\n")
        }
    }
}

/// One line of `/metrics`.
package struct MetricSample: Hashable, Sendable {
    package let name: String
    package let text: String
    package let value: Double

    init?(_ line: String) {
        guard !line.hasPrefix("#"), let space = line.lastIndex(of: " "),
            let value = Double(line[line.index(after: space)...])
        else { return nil }
        let head = line[..<space]
        name = String(head.prefix { $0 != "{" })
        text = String(head)
        self.value = value
    }
}
