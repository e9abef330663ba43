import Foundation
import Synchronization

/// A whole mesh on this machine: two nodes joined by a link, pods with IPv4 and IPv6, apusd and a ztunnel per node as
/// real processes, all in network namespaces of their own. Several can run at the same time.
package final class MeshFixture: Sendable {
    package struct Plan: Sendable {
        package var pods = MeshPodPlan.standard
        package var certificateLifetime = "24h"
        /// Whether the namespaces of the pods carry the label from the start.
        package var isAmbient = true
        /// Attach all pods at the start and wait until they are captured.
        package var isAttached = true
        /// apusd on the first node runs waypoints, at addresses of `waypointBlock`, and writes statuses.
        package var runsWaypoints = false
        /// More settings of both ztunnels.
        package var environment: [String: String] = [:]
        /// Where Istio's node agent listens that leads node1, which is not ready before the agent has told all.
        package var agentSocket: String?
        /// All that the ztunnels may do, in setpriv's words; `nil`: whatever root may.
        package var capabilities: [String]?

        package init() {}
    }

    package let plan: Plan
    package let programs: MeshPrograms
    package let directory: TemporaryDirectory
    /// Index 0 is node1.
    package let nodes: [TestNamespace]
    package let pods: [String: MeshPod]

    private struct Running {
        var apusd: MeshProcess?
        var ztunnels: [Int: MeshProcess] = [:]
        var others: [MeshProcess] = []
    }

    private let running = Mutex(Running())

    /// Makes the mesh; everything it started ends by `stop`, or with this object.
    package static func start(_ plan: Plan = Plan()) async throws -> MeshFixture {
        let mesh = try await network(plan)
        do {
            try await mesh.startAll()
        } catch {
            let told = await mesh.diagnosis()
            await mesh.stop()
            throw StartFailure(cause: "\(error)", logs: told)
        }
        return mesh
    }

    /// Nodes and pods without any program: for whoever brings a control plane of his own.
    package static func network(_ plan: Plan) async throws -> MeshFixture {
        try await offload { try MeshFixture(plan) }
    }

    /// Runs `body` with a mesh and takes the mesh down again.
    package static func with(_ plan: Plan = Plan(), _ body: (MeshFixture) async throws -> Void) async throws {
        let mesh = try await start(plan)
        do {
            try await body(mesh)
        } catch {
            let told = await mesh.diagnosis()
            await mesh.stop()
            throw StepFailure(cause: "\(error)", logs: told)
        }
        await mesh.stop()
    }

    private init(_ plan: Plan) throws {
        self.plan = plan
        programs = try MeshPrograms()
        let directory = try TemporaryDirectory()
        let nodes = try MeshNetwork.makeNodes(directory.path)
        let pods = try plan.pods.map { try MeshNetwork.makePod($0, on: nodes[$0.node - 1], directory.path) }
        self.pods = Dictionary(pods.map { ($0.plan.name, $0) }) { first, _ in first }
        self.directory = directory
        self.nodes = nodes
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/resources", withIntermediateDirectories: false)
    }

    private func startAll() async throws {
        if plan.runsWaypoints { try nodes[1].run("ip", "route", "add", Self.waypointBlock, "via", "10.80.0.1") }
        try write("nodes", ["node1", "node2"].map { "apiVersion: v1\nkind: Node\nmetadata: { name: \($0) }\n" }
            .joined(separator: "---\n"))
        for pod in plan.pods { try write("pod-\(pod.name)", pod.yaml) }
        for namespace in Set(plan.pods.map(\.namespace)) { try label(plan.isAmbient, namespace) }
        for pod in plan.pods where pod.isServing { try serve(pod.name) }
        try startApusd()
        try await Wait.eventually("node tokens", seconds: 30) {
            FileManager.default.fileExists(atPath: "\(state)/tokens/node2")
        }
        for node in 1...2 { try startZtunnel(node) }
        for node in 1...2 where node != 1 || plan.agentSocket == nil { try await untilReady(node) }
        for pod in plan.pods where pod.isServing {
            try await Wait.eventually("server of \(pod.name)") { serverOutput(pod.name).contains("serving") }
        }
        guard plan.isAttached else { return }
        for pod in plan.pods { try await attach(pod.name) }
        if plan.isAmbient { try await untilCaptured() }
    }

    // MARK: - Processes

    package var state: String { "\(directory.path)/state" }

    package func startApusd() throws {
        let process = try MeshProcess(
            "apusd", in: nodes[0], output: "\(directory.path)/apusd.log",
            [
                programs.apusd, "--resources", "\(directory.path)/resources", "--state", state, "--listen",
                "0.0.0.0:15012", "--server-name", "10.80.0.1", "--certificate-lifetime", plan.certificateLifetime,
            ] + waypointArguments)
        running.withLock { $0.apusd = process }
    }

    package func startZtunnel(_ node: Int) throws {
        try startZtunnel(node, capabilities: plan.capabilities)
    }

    /// - Parameters:
    ///   - capabilities: these, and no way to others (capabilities(7)).
    ///   - settings: go before all others.
    package func startZtunnel(_ node: Int, capabilities: [String]?, settings: [String: String] = [:]) throws {
        let process = try makeZtunnel(
            node, capabilities: capabilities, settings: settings, output: "node\(node).log")
        running.withLock { $0.ztunnels[node] = process }
    }

    /// Another daemon of the node, beside the one that runs; it is the node's from now on. `log` is the file of its
    /// output.
    @discardableResult
    package func startSuccessor(_ node: Int, log: String) throws -> MeshProcess {
        let process = try makeZtunnel(node, capabilities: plan.capabilities, output: log)
        running.withLock { state in
            if let former = state.ztunnels[node] { state.others.append(former) }
            state.ztunnels[node] = process
        }
        return process
    }

    private func makeZtunnel(
        _ node: Int, capabilities: [String]?, settings: [String: String] = [:], output: String
    ) throws -> MeshProcess {
        var environment = plan.environment
        environment["NODE_NAME"] = "node\(node)"
        environment["XDS_ADDRESS"] = "https://10.80.0.1:15012"
        environment["CA_ADDRESS"] = "https://10.80.0.1:15012"
        environment["XDS_ROOT_CA"] = "\(state)/ca.crt"
        environment["CA_ROOT_CA"] = "\(state)/ca.crt"
        environment["AUTH_TOKEN"] = "\(state)/tokens/node\(node)"
        environment["APUS_SOCKET"] = socket(node)
        if node == 1 { environment["INPOD_UDS"] = plan.agentSocket }
        environment.merge(settings) { $1 }
        return try MeshProcess(
            "ztunnel \(node)", in: nodes[node - 1], environment: environment,
            output: "\(directory.path)/\(output)", Self.limiting(capabilities) + [programs.ztunnel])
    }

    private static func limiting(_ capabilities: [String]?) -> [String] {
        guard let capabilities else { return [] }
        let bounds = (["-all"] + capabilities.map { "+\($0)" }).joined(separator: ",")
        return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=\(bounds)"]
    }

    package var apusd: MeshProcess? { running.withLock { $0.apusd } }

    package func ztunnel(_ node: Int) -> MeshProcess? { running.withLock { $0.ztunnels[node] } }

    /// Starts one of the test applications in a pod.
    @discardableResult
    package func application(in pod: String, output: String? = nil, _ arguments: String...) throws -> MeshProcess {
        let path = output ?? "\(directory.path)/application-\(UUID().uuidString.prefix(8)).log"
        let process = try MeshProcess(
            "\(arguments.first ?? "") in \(pod)", in: try namespace(pod), output: path,
            ["python3", programs.traffic] + arguments)
        running.withLock { $0.others.append(process) }
        return process
    }

    package func serve(_ pod: String) throws {
        try application(in: pod, output: "\(directory.path)/server-\(pod).log", "serve", pod)
    }

    package func stopServer(_ pod: String) async throws {
        let servers = running.withLock { $0.others.filter { $0.outputPath == "\(directory.path)/server-\(pod).log" } }
        for server in servers { await server.stop() }
    }

    /// What the server of a pod logged: one line per connection it accepted.
    package func serverOutput(_ pod: String) -> String { text("server-\(pod).log") }

    /// Ends every process by its number and deletes the namespaces with the last reference.
    package func stop() async {
        // Its waypoints end with it, if it is asked.
        if plan.runsWaypoints { await apusd?.stop(seconds: 15) }
        let all = running.withLock { state in
            let all = [state.apusd].compactMap { $0 } + Array(state.ztunnels.values) + state.others
            state = Running()
            return all
        }
        for process in all { process.signal(SIGKILL) }
        for process in all { await process.stop(SIGKILL) }
    }
}
