import Foundation
import MeshTesting
import Testing

/// From an empty cluster to a namespace in the mesh.
extension Story {
    /// README: the printed manifests, until both are rolled out.
    func install() async throws {
        // The time that connections have when their daemon ends is the administrator's choice.
        try await terminal.type("apus install | sed 's/value: 20s/value: 5s/' | kubectl apply -f -")
        try await terminal.type("kubectl -n apus-system rollout status deployment/apusd --timeout=60s")
        try await terminal.type("kubectl -n apus-system rollout status daemonset/ztunnel --timeout=60s")
        for node in 1...2 {
            let status = try await apus(node, "status").output
            #expect(status.contains("node node\(node): ready"), "\(status)")
            let file = "\(cluster.nodes[node - 1].networks)/10-played.conflist"
            let list = try String(contentsOfFile: file, encoding: .utf8)
            #expect(list.contains("apus-cni"), "\(list)")
        }
    }

    /// A namespace that nobody has labelled: everything goes as it went before.
    func runWithoutMesh() async throws -> SteadyConnection {
        try await terminal.type("kubectl create namespace shop")
        let files = [programs.traffic, programs.echo].map { "--from-file='\($0)'" }.joined(separator: " ")
        try await terminal.type("kubectl -n shop create configmap programs \(files)")
        try await deploy("api", replicas: 2)
        try await deploy("web")
        try await deploy("batch")
        let (web, api) = try await (app("web"), service("api"))
        let before = try wire.counts()
        let answers = try await ask(from: web, api, count: 4)
        #expect(answers.map(\.status) == [200, 200, 200, 200], "\(answers)")
        let there = try await app("api", node: 3 - web.node.number)
        let connection = try await steady(from: web, to: there.address)
        let after = try wire.counts()
        #expect(after.plain >= before.plain + 2 && after.tunnelled == 0, "\(after)")
        for node in 1...2 { #expect(try await !apus(node, "status").output.contains("captured")) }
        return connection
    }

    /// The label, on pods that run: captured without a restart, and what is open stays open.
    func join(_ connection: SteadyConnection) async throws {
        let pods = await cluster.kubelet.pods.values.filter { $0.key.hasPrefix("shop/") }
        #expect(pods.count == 4)
        try await terminal.type("kubectl label namespace shop istio.io/dataplane-mode=ambient")
        try await untilCaptured(pods)
        try await connection.expectProgress()
        let (web, api) = try await (app("web"), service("api"))
        let before = try wire.counts()
        for address in try await [api, app("api", node: 1).address, app("api", node: 2).address] {
            let port = address == api ? 80 : Story.http
            let answers = try await ask(from: web, address, port: port, count: 3)
            #expect(answers.map(\.status) == [200, 200, 200], "\(answers)")
        }
        let after = try wire.counts()
        #expect(after.plain == before.plain && after.tunnelled > before.tunnelled, "\(before) \(after)")
        let words = ["src.identity=\"\(Story.identity("web"))\"", "dst.identity=\"\(Story.identity("api"))\""]
        try await cluster.until("both identities in the log", seconds: 10) {
            await !connections(words[0], words[1], "direction=\"inbound\"").isEmpty
        }
        for pod in pods { #expect(await pod.restartCount == 0, "\(pod.key)") }
        try await startCaptured()
        #expect(connection.isAlive)
    }

    /// Waits until pods are captured, everybody knows, and the API server says so.
    func untilCaptured(_ pods: [PlayedPod]) async throws {
        for pod in pods {
            let path = "/api/v1/namespaces/shop/pods/\(pod.key.dropFirst("shop/".count))"
            try await cluster.until("redirection of \(pod.key)", seconds: 30) {
                try await cluster.server.value(path, "metadata/annotations")
                    .contains(#""ambient.istio.io/redirection":"enabled""#)
            }
        }
        for node in 1...2 {
            try await cluster.until("node\(node) knows", seconds: 20) {
                let rows = try await apus(node, "workloads").output.split(separator: "\n")
                return pods.allSatisfy { pod in
                    rows.contains { $0.contains(pod.key.dropFirst("shop/".count)) && $0.contains("HBONE") }
                }
            }
        }
    }

    /// A pod that is made later starts when it is captured, by the plugin.
    private func startCaptured() async throws {
        try await deploy("late")
        let late = try await app("late")
        let status = try await apus(late.node.number, "status").output.split(separator: "\n")
        #expect(status.contains { $0.contains(late.key) && $0.contains("captured") }, "\(status)")
        let log = await cluster.logs("apus-system/ztunnel-").split(separator: "\n")
        #expect(log.contains {
            $0.contains("pod attached") && $0.contains(late.key) && $0.contains("container=\"c-\(late.uid)\"")
        })
        try await untilCaptured([late])
        let answers = try await ask(from: try await app("batch"), late.address, port: Story.http)
        #expect(answers.map(\.status) == [200], "\(answers)")
        #expect(await late.troubles.isEmpty)
    }
}
