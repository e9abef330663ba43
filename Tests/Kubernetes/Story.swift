import Foundation
import MeshTesting
import Testing

/// A cluster and those who work on it: `shop`, with `web` and `batch` that call, and `api` that is called.
struct Story {
    let cluster: PlayedCluster
    let terminal: Terminal
    let programs: MeshPrograms
    let wire: Wiretap

    /// Of the applications.
    static let http = 8080

    init(_ cluster: PlayedCluster) throws {
        self.cluster = cluster
        terminal = try Terminal(cluster.server)
        programs = try MeshPrograms()
        wire = try Wiretap(cluster.nodes, ports: "7000-7003, 8080", folder: cluster.server.directory.path)
    }

    // MARK: - Applications

    /// An application as its owners deploy it: two servers, ready when the one for HTTP answers.
    private static func deployment(_ name: String, replicas: Int, labels: String) -> String {
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: { name: \(name), namespace: shop }
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: \(name), namespace: shop }
        spec:
          replicas: \(replicas)
          selector: { matchLabels: { app: \(name) } }
          template:
            metadata: { labels: { app: \(name), \(labels) } }
            spec:
              serviceAccountName: \(name)
              terminationGracePeriodSeconds: 1
              containers:
              - name: app
                image: shop/app:1
                workingDir: /programs
                command: [ sh, -c, "python3 traffic.py serve $0 & exec python3 echo.py serve $0 \(http)" ]
                args: [ \(name) ]
                ports: [ { name: http, containerPort: \(http) } ]
                readinessProbe: { httpGet: { path: /, port: http } }
                volumeMounts: [ { name: programs, mountPath: /programs } ]
              volumes: [ { name: programs, configMap: { name: programs } } ]
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: \(name), namespace: shop }
        spec:
          selector: { app: \(name) }
          ports: [ { name: http, port: 80, targetPort: http }, { name: tcp-steady, port: 7003 } ]

        """
    }

    func deploy(_ name: String, replicas: Int = 1, labels: String = "tier: shop") async throws {
        try await apply(Self.deployment(name, replicas: replicas, labels: labels))
        try await terminal.type("kubectl -n shop rollout status deployment/\(name) --timeout=60s")
    }

    func apply(_ text: String) async throws {
        let file = "\(terminal.folder)/\(UUID()).yaml"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try await terminal.type("kubectl apply -f '\(file)'")
    }

    func app(_ name: String, node: Int? = nil) async throws -> PlayedPod {
        try await cluster.pod("shop", "app", name, node: node)
    }

    /// The address of a service.
    func service(_ name: String) async throws -> String {
        try await cluster.server.value("/api/v1/namespaces/shop/services/\(name)", "spec/clusterIP")
    }

    // MARK: - Traffic

    /// Runs a program in a pod's network, whatever its status.
    func run(in pod: PlayedPod, _ command: String...) async throws -> (status: Int32, output: String) {
        let namespace = pod.network.namespace.name
        return try await offload { try Shell.runAnyStatus(["ip", "netns", "exec", namespace] + command) }
    }

    /// Asks over HTTP: status and body; status 0 without an answer.
    func ask(
        from pod: PlayedPod, _ address: String, _ method: String = "GET", headers: [String] = [], port: Int = 80,
        count: Int = 1
    ) async throws -> [(status: Int, body: String)] {
        let one = [
            "-sS", "--max-time", "5", "-X", method, "-w", "\n%{http_code}\n", "http://\(address):\(port)/",
        ] + headers.flatMap { ["-H", $0] }
        let words = (0..<count).flatMap { $0 == 0 ? one : ["--next"] + one }
        let command = ["ip", "netns", "exec", pod.network.namespace.name, "curl"] + words
        let output = try await offload { try Shell.runAnyStatus(command).output }
        let lines = output.split(separator: "\n").map(String.init)
        var answers: [(Int, String)] = []
        var body = ""
        for line in lines {
            if let status = Int(line), line.count == 3 {
                answers.append((status, body))
                body = ""
            } else {
                body += line
            }
        }
        return answers
    }

    /// A connection with traffic all the time.
    func steady(from pod: PlayedPod, to address: String) async throws -> SteadyConnection {
        let status = "\(terminal.folder)/steady-\(UUID()).json"
        let process = try MeshProcess(
            "steady", in: pod.network.namespace, output: "\(status).log",
            ["python3", programs.traffic, "steady", address, status])
        let connection = SteadyConnection(process: process, statusPath: status)
        try await connection.expectProgress(10)
        return connection
    }

    // MARK: - Looking

    /// What the node daemon of a node says to `apus`.
    func apus(_ node: Int, _ words: String...) async throws -> (status: Int32, output: String) {
        try await cluster.pod("apus-system", "app", "ztunnel", node: node).run(["apus"] + words)
    }

    /// Lines of finished connections of all node daemons, with all these words.
    func connections(_ words: String...) async -> [String] {
        await cluster.logs("apus-system/ztunnel-").split(separator: "\n").map(String.init).filter { line in
            line.contains("connection complete") && words.allSatisfy { line.contains($0) }
        }
    }

    static func identity(_ account: String) -> String { "spiffe://cluster.local/ns/shop/sa/\(account)" }
}
