import Foundation
import MeshTesting

/// Two nodes with their pods beside a real API server. Replicas of apusd run next to it, and nodes and pods reach them
/// by one address, as by a Service.
final class ClusterMesh {
    static let system = "apus-system"
    /// Where apusd is reached.
    static let controlAddress = "10.80.100.1"
    /// Of the Service before `api`.
    static let serviceAddress = "10.96.0.30"

    let server: APIServer
    let mesh: MeshFixture
    let accounts: AccountMaker
    private(set) var replicas: [ControlPlane] = []
    /// The file by which ztunnels believe apusd; the first replica's unless somebody else keeps it.
    var rootsPath = ""
    private var services: [MeshProcess] = []

    /// Everything but the programs: nodes, pods and the objects of pods that are there from the start.
    init(pods: [MeshPodPlan] = MeshPodPlan.standard, late: Set<String> = []) async throws {
        server = try await APIServer()
        var plan = MeshFixture.Plan()
        plan.pods = pods
        mesh = try await MeshFixture.network(plan)
        accounts = AccountMaker(server)
        try joinNodes()
        try await server.define(
            "security.istio.io", "authorizationpolicies", "AuthorizationPolicy", version: "v1")
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"\#(Self.system)"}}"#)
        try await server.must(
            "POST", "/api/v1/namespaces",
            #"{"metadata":{"name":"shop","labels":{"istio.io/dataplane-mode":"ambient"}}}"#)
        try await addAccount(Self.system, "ztunnel")
        for node in 1...2 {
            try await accounts.addPod(
                Self.system, "ztunnel-\(node)", "ztunnel", node: "node\(node)", address: "10.80.10\(node).2")
        }
        for pod in pods where !late.contains(pod.name) { try await addPod(pod.name) }
    }

    /// Each node gets a link to where the API server is.
    private func joinNodes() throws {
        let hub = server.namespace.name
        try Shell.run(["ip", "-n", hub, "address", "add", "\(Self.controlAddress)/32", "dev", "lo"])
        for (index, node) in mesh.nodes.enumerated() {
            let (number, name) = (index + 1, node.name)
            try Shell.run([
                "ip", "-n", hub, "link", "add", "node\(number)", "type", "veth", "peer", "name", "hub", "netns", name,
            ])
            for (namespace, device, address) in [
                (hub, "node\(number)", "10.80.10\(number).1/24"), (name, "hub", "10.80.10\(number).2/24"),
            ] {
                try Shell.run(["ip", "-n", namespace, "address", "add", address, "dev", device])
                try Shell.run(["ip", "-n", namespace, "link", "set", device, "up"])
            }
            try Shell.run(["ip", "-n", name, "route", "add", "10.80.100.0/24", "via", "10.80.10\(number).1"])
            try Shell.run(["ip", "-n", hub, "route", "add", "10.80.\(number).0/24", "via", "10.80.10\(number).2"])
        }
    }

    // MARK: - Objects

    func addAccount(_ namespace: String, _ name: String) async throws {
        try await server.must(
            "POST", "/api/v1/namespaces/\(namespace)/serviceaccounts", #"{"metadata":{"name":"\#(name)"}}"#)
    }

    /// The object of a pod of the plan, and its account.
    func addPod(_ name: String) async throws {
        let pod = try mesh.plan(name)
        try await addAccount(pod.namespace, pod.serviceAccount)
        try await accounts.addPod(
            pod.namespace, name, pod.serviceAccount, node: "node\(pod.node)", address: pod.v4, labels: ["app": name])
    }

    /// A Service before `api`, at port 80.
    func addService(labels: String = "{}") async throws {
        try await server.must(
            "POST", "/api/v1/namespaces/shop/services",
            """
            {"metadata":{"name":"api","labels":\(labels)},"spec":{"clusterIP":"\(Self.serviceAddress)",\
            "selector":{"app":"api"},"ports":[{"name":"http","port":80,"targetPort":7080}]}}
            """)
    }

    // MARK: - Programs

    /// Starts replicas and waits until each knows the pods.
    func startReplicas(_ count: Int, _ more: [String] = []) async throws {
        for number in replicas.count + 1...replicas.count + count {
            replicas.append(
                try ControlPlane(
                    server, name: "apusd-\(number)", address: "0.0.0.0", port: 15112 + 100 * number,
                    adminPort: 15114 + 100 * number, systemNamespace: Self.system,
                    ["--server-name", Self.controlAddress] + more))
        }
        for replica in replicas { try await replica.until("ready", "/healthz/ready") { $0 == "ready\n" } }
        if rootsPath.isEmpty { rootsPath = replicas[0].rootsPath }
    }

    /// The replica that leads, as soon as there is one.
    func leader() async throws -> Int {
        var found: [Int] = []
        try await Wait.eventually("a leader", seconds: 40, everyMilliseconds: 100) {
            found = []
            for (index, replica) in replicas.enumerated() where replica.isRunning {
                if try await leads(replica) { found.append(index) }
            }
            return found.count == 1
        }
        return found[0]
    }

    func leads(_ replica: ControlPlane) async throws -> Bool {
        try await replica.page("/metrics").contains("apusd_leader 1")
    }

    /// Starts both ztunnels.
    /// - Parameter order: which replicas each node is led to, first choice first.
    func startNodes(_ order: [[Int]]) async throws {
        for (index, replicas) in order.enumerated() {
            let (node, port) = (index + 1, 15013 + index)
            services.append(
                try MeshProcess(
                    "service of node\(node)", in: server.namespace, output: "\(server.directory.path)/service.log",
                    [
                        "python3", "\(mesh.programs.checkout)/Tests/Fixtures/Programs/service.py", Self.controlAddress,
                        "\(port)",
                    ] + replicas.map { "\(self.replicas[$0].port)" }))
            let token = "\(server.directory.path)/token-\(node)"
            try await accounts.token(Self.system, "ztunnel", pod: "ztunnel-\(node)").write(
                toFile: token, atomically: true, encoding: .utf8)
            let address = "https://\(Self.controlAddress):\(port)"
            try mesh.startZtunnel(
                node, capabilities: nil,
                settings: [
                    "XDS_ADDRESS": address, "CA_ADDRESS": address, "XDS_ROOT_CA": rootsPath, "CA_ROOT_CA": rootsPath,
                    "AUTH_TOKEN": token,
                ])
        }
        for node in 1...2 { try await mesh.untilReady(node) }
    }

    /// Attaches pods, as soon as their nodes know of them, and waits until they are captured.
    func capture(_ pods: [String]) async throws {
        for pod in pods {
            try await Wait.eventually("\(pod) attached", seconds: 30, everyMilliseconds: 100) {
                do { try await mesh.attach(pod) } catch is MeshFixture.Refused { return false }
                return true
            }
        }
        try await mesh.untilCaptured(pods)
    }

    // MARK: - What happens

    /// Runs the body; a failure is told with the ends of the logs.
    func run(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            let logs = replicas.enumerated().map { "--- apusd-\($0 + 1)\n\($1.log.suffix(3000))" }
            let told = await mesh.diagnosis()
            await stop()
            throw MeshFixture.StepFailure(cause: "\(error)", logs: "\(logs.joined(separator: "\n"))\n\(told)")
        }
        await stop()
    }

    private func stop() async {
        await mesh.stop()
        for service in services { service.signal(SIGKILL) }
        for replica in replicas { await replica.stop() }
        await server.stop()
    }
}
