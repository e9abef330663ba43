import Foundation
import MeshTesting

/// A container that runs: a process in its pod's network, with files, user, rights and settings as its pod says.
final class PlayedContainer: Sendable {
    /// What Tests/Fixtures/Programs/runtime.py is told.
    private struct Description: Encodable {
        let node: Int32
        let cgroup: String
        let root: String
        let programs: [String: String]
        let mounts: [Mount]
        let hosts: String
        let isReadOnly: Bool
        let user: Int
        let group: Int
        let capabilities: [String]
        let environment: [String: String]
        let directory: String
        let command: [String]
    }

    private struct Mount: Encodable {
        let source: String
        let target: String
        let readOnly: Bool
        /// Whether what is mounted there later is seen.
        let follows: Bool
    }

    /// Those of containerd, for containers that ask for no others.
    private static let usualCapabilities = [
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
        "SETUID", "SYS_CHROOT",
    ]

    let name: String
    let environment: [String: String]
    private let program: MeshProcess
    private let file: String

    /// - Parameters:
    ///   - container: its part of the pod's specification.
    ///   - volumes: where they lie, by their names.
    ///   - folder: of the pod.
    init(
        _ container: ObjectTree, of pod: ObjectTree, address: String, on node: PlayedNode, in network: TestNamespace,
        volumes: [String: String], folder: String
    ) throws {
        name = container["name"]?.text ?? ""
        environment = Self.environment(container, pod, address)
        file = "\(folder)/\(name).json"
        let image = container["image"]?.text ?? ""
        let entry = try Self.image(image)
        let command = (container["command"]?.texts ?? entry.command) + (container["args"]?.texts ?? [])
        func security(_ key: String) -> ObjectTree? {
            container["securityContext", key] ?? pod["spec", "securityContext", key]
        }
        let added = container["securityContext", "capabilities", "add"]?.texts ?? []
        let drops = container["securityContext", "capabilities", "drop"]?.texts.contains("ALL") == true
        let description = Description(
            node: node.process, cgroup: "\(node.cgroups)/pod\(pod.metadata("uid"))", root: "\(folder)/\(name)-root",
            programs: entry.programs,
            mounts: try (container["volumeMounts"]?.items ?? []).map { try Self.mount($0, volumes) },
            hosts: node.hosts, isReadOnly: security("readOnlyRootFilesystem") == .bool(true),
            user: security("runAsUser")?.count ?? 0, group: security("runAsGroup")?.count ?? 0,
            capabilities: drops ? added : Self.usualCapabilities + added, environment: environment,
            directory: container["workingDir"]?.text ?? "/", command: command)
        try? FileManager.default.removeItem(atPath: "\(file).process")
        try JSONEncoder().encode(description).write(to: URL(fileURLWithPath: file))
        program = try MeshProcess(
            "\(pod.metadata("name"))/\(name)", in: network, output: "\(folder)/\(name).log",
            ["python3", try MeshPrograms().runtime, "container", file])
    }

    var isRunning: Bool { program.isRunning }
    var status: Int32? { program.status }
    var log: String { program.output }

    /// As we number it; `nil` before it is there.
    var process: Int32? {
        (try? String(contentsOfFile: "\(file).process", encoding: .utf8)).flatMap { Int32($0) }
    }

    /// Asks it to end, and ends it when the time is over.
    func stop(seconds: Double) async {
        program.signal(SIGTERM)
        try? await Wait.eventually("end of \(name)", seconds: seconds, everyMilliseconds: 20) { !isRunning }
        if isRunning, let process { kill(process, SIGKILL) }
        await program.stop(SIGKILL)
    }

    /// Runs a program in it, whatever its status.
    func run(_ command: [String]) async throws -> (status: Int32, output: String) {
        guard let process else { throw APIServer.Missing(description: "\(name) has not started") }
        let settings = environment.map { "\($0.key)=\($0.value)" }
        let whole = [
            "nsenter", "--target", "\(process)", "--mount", "--pid", "--net", "--root", "--wd=/", "--", "env", "-i",
            "PATH=/usr/local/bin:/usr/bin:/bin",
        ] + settings + command
        return try await offload { try Shell.runAnyStatus(whole) }
    }

    // MARK: - What it is made of

    /// Ours, as deploy/docker/apus.Dockerfile makes them; others have the machine's programs only.
    private static func image(_ name: String) throws -> (command: [String], programs: [String: String]) {
        let programs = try MeshPrograms()
        let all = [
            "apusd": ["apusd": programs.apusd], "waypoint": ["waypoint": programs.waypoint],
            "ztunnel": ["ztunnel": programs.ztunnel, "apus-cni": try programs.plugin(), "apus": programs.apus],
        ]
        let last = name.split(separator: "/").last?.split(separator: ":").first.map(String.init) ?? ""
        guard name.hasPrefix("apus/"), let own = all[last] else { return ([], [:]) }
        return (["/usr/local/bin/\(last)"], own)
    }

    private static func environment(
        _ container: ObjectTree, _ pod: ObjectTree, _ address: String
    ) -> [String: String] {
        var environment = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": "/tmp"]
        for variable in container["env"]?.items ?? [] {
            let path = variable["valueFrom", "fieldRef", "fieldPath"]?.text
            let value = path.flatMap { $0 == "status.podIP" ? address : pod.field($0) }
            environment[variable["name"]?.text ?? ""] = value ?? variable["value"]?.text ?? ""
        }
        return environment
    }

    private static func mount(_ mount: ObjectTree, _ volumes: [String: String]) throws -> Mount {
        guard let target = mount["mountPath"]?.text, let source = volumes[mount["name"]?.text ?? ""] else {
            throw APIServer.Missing(description: "no volume for \(try mount.json())")
        }
        return Mount(
            source: source, target: target, readOnly: mount["readOnly"] == .bool(true),
            follows: mount["mountPropagation"]?.text == "HostToContainer")
    }
}
