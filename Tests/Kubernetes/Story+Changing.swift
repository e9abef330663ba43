import Foundation
import MeshTesting
import Testing

/// A new version of the node daemon, and the end of the mesh.
extension Story {
    /// Whether connections outlive the daemon that carries them. Here they do not: DaemonSets of this API server (1.20)
    /// have no `maxSurge`, so the new daemon comes when the old one has gone, as after a crash. HandoverTests has both.
    private static let connectionsSurvive = false

    private struct Load: Decodable {
        let answered: Int
        let failed: Int
        let reasons: [String]
    }

    /// A changed template, rolled out under traffic: nothing leaves in clear text.
    func upgrade() async throws {
        let (web, api) = try await (app("web"), service("api"))
        let connection = try await steady(from: web, to: app("api", node: 3 - web.node.number).address)
        let status = "\(terminal.folder)/load.json"
        let process = try MeshProcess(
            "load", in: web.network.namespace, output: "\(status).log",
            ["python3", programs.load, "run", api, "80", "40", status])
        func load() throws -> Load? {
            FileManager.default.contents(atPath: status).flatMap { try? JSONDecoder().decode(Load.self, from: $0) }
        }
        try await cluster.until("traffic", seconds: 20) { try load()?.answered ?? 0 > 40 }
        #expect(try load()?.failed == 0)
        let before = try wire.counts()
        try wire.forgetPairs()
        let daemons = try await [cluster.pod("apus-system", "app", "ztunnel", node: 1).key,
            cluster.pod("apus-system", "app", "ztunnel", node: 2).key]
        let change = #"{"spec":{"template":{"metadata":{"annotations":{"apus.io/release":"next"}}}}}"#
        try await terminal.type("kubectl -n apus-system patch daemonset ztunnel -p '\(change)'")
        try await terminal.type("kubectl -n apus-system rollout status daemonset/ztunnel --timeout=180s")
        for node in 1...2 {
            #expect(try await !daemons.contains(cluster.pod("apus-system", "app", "ztunnel", node: node).key))
        }
        let pods = await cluster.kubelet.pods.values.filter { $0.key.hasPrefix("shop/") && $0.labels["tier"] != nil }
        try await untilCaptured(pods)
        try expectNoClearText(since: before)
        let settled = try load()
        try await cluster.until("traffic after it", seconds: 20) {
            try load()?.answered ?? 0 > (settled?.answered ?? 0) + 100
        }
        let after = try load()
        #expect(after?.failed == settled?.failed, "failures went on: \(after?.reasons ?? [])")
        await process.stop()
        try expectNoClearText(since: before)
        if Self.connectionsSurvive {
            #expect(after?.failed == 0, "\(after?.reasons ?? [])")
            try await connection.expectProgress()
            _ = try await connection.finish()
        } else {
            try await connection.untilBroken(seconds: 30)
        }
        for pod in pods { #expect(await pod.restartCount == 0, "\(pod.key)") }
    }

    private func expectNoClearText(since before: Wiretap.Counts) throws {
        let (now, pairs) = (try wire.counts(), try wire.pairs())
        #expect(now.plain == before.plain, "clear text: \(pairs)")
    }

    /// README: labels first, then the rest.
    func uninstall() async throws {
        for command in [
            "kubectl label namespace shop istio.io/use-waypoint-", "kubectl -n shop delete gateway waypoint",
            "kubectl label namespace shop istio.io/dataplane-mode-",
        ] {
            try await terminal.type(command)
        }
        for node in 1...2 {
            try await cluster.until("nothing is captured on node\(node)", seconds: 30) {
                try await !apus(node, "status").output.contains("captured")
            }
        }
        for command in [
            "kubectl -n apus-system set env daemonset/ztunnel APUS_CNI_REMOVE_AT_END=true",
            "kubectl -n apus-system rollout status daemonset/ztunnel --timeout=120s",
            "apus uninstall | kubectl delete --ignore-not-found -f -",
            "kubectl delete configmaps -A -l app.kubernetes.io/managed-by=apusd",
        ] {
            try await terminal.type(command)
        }
        // As it was, and as before.
        let (web, api) = try await (app("web"), service("api"))
        let before = try wire.counts()
        #expect(try await ask(from: web, api).map(\.status) == [200])
        #expect(try wire.counts().plain > before.plain)
    }

    /// Nothing of the mesh is left: in pods, on nodes, at the API server.
    func expectNothing(but nodes: [Set<String>], _ objects: Set<APIServer.Trace>) async throws {
        for pod in await cluster.kubelet.pods.values where pod.key.hasPrefix("shop/") {
            for words in [["nft", "list", "ruleset"], ["ss", "-Hltn", "sport >= 15000 and sport <= 15100"]] {
                let namespace = pod.network.namespace.name
                let left = try await offload { try Shell.run(["ip", "netns", "exec", namespace] + words) }
                #expect(left.isEmpty, "\(pod.key): \(left)")
            }
            let rules = try await run(in: pod, "ip", "rule").output
            #expect(!rules.contains("0x"), "\(pod.key): \(rules)")
        }
        let marks = try await cluster.server.traces().filter { $0.path.split(separator: " ").contains("shop") }
        for trace in marks where trace.description.contains("istio.io") || trace.description.contains("waypoint") {
            // The users' own resources.
            let own = ["strict", "callers", "methods", " api"]
            guard !own.contains(where: { trace.path.hasSuffix($0) }) else { continue }
            Issue.record("left: \(trace)")
        }
        try await terminal.type("kubectl delete namespace shop --wait=true --timeout=90s")
        var left = try await cluster.server.traces()
        try? await cluster.until("the objects of before", seconds: 60) {
            left = try await cluster.server.traces()
            return left == objects
        }
        #expect(left.symmetricDifference(objects).isEmpty)
        for (node, before) in zip(cluster.nodes, nodes) {
            let difference = try await node.traces().symmetricDifference(before)
            #expect(difference.isEmpty, "\(node.name): \(difference)")
        }
    }
}
