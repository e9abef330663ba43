import Foundation
import MeshTesting
import Testing

/// Two of apusd at one API server.
@Suite("Replicas at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct ReplicaTests {
    private let system = "apus-system"

    @Test("a leader that is killed: discovery goes on, and the other leads", .timeLimit(.minutes(5)))
    func killed() async throws {
        let server = try await APIServer()
        let accounts = AccountMaker(server)
        try await accounts.addMesh()
        let replicas = [
            try ControlPlane(server, name: "first", port: 15112, adminPort: 15114, systemNamespace: system),
            try ControlPlane(server, name: "second", port: 15212, adminPort: 15214, systemNamespace: system),
        ]
        for replica in replicas { try await replica.until("the pods", "/debug/world") { $0.contains("web-1") } }
        #expect(try replicas[0].roots() == replicas[1].roots())
        try await Wait.eventually("a leader", seconds: 30, everyMilliseconds: 100) {
            try await leaders(replicas).count == 1
        }
        let leader = try #require(try await leaders(replicas).first)
        let other = 1 - leader
        try await untilRoots(server, in: "shop", are: try replicas[0].roots())
        // Both issue certificates, whoever leads.
        let token = try await accounts.token("shop", "web", pod: "web-1")
        for replica in replicas {
            let caller = try CertificateCaller(server, roots: replica.rootsPath, port: replica.port)
            #expect(try await caller.ask(token, nil).status == 0)
        }
        let node = try await Node(server, accounts, leader: replicas[leader], other: replicas[other])
        try await node.untilShown("api-1")
        replicas[leader].kill()
        try await accounts.addPod("shop", "late-1", "web", node: "node2", address: "10.244.1.7")
        try await node.untilShown("late-1")
        // A lease of 15 s, of which the last renewal was seen 2 s late at most, and a look every 2 s.
        try await Wait.eventually("the other leads", seconds: 30, everyMilliseconds: 100) {
            try await replicas[other].page("/metrics").contains("apusd_leader 1")
        }
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"new"}}"#)
        try await untilRoots(server, in: "new", are: try replicas[other].roots())
        node.stop()
        await replicas[other].stop()
        let lease = try await server.call("GET", "/apis/coordination.k8s.io/v1/namespaces/\(system)/leases/apusd").text
        #expect(lease.filter { !$0.isWhitespace }.contains("\"holderIdentity\":\"\""), "given back: \(lease)")
        await server.stop()
    }

    private func leaders(_ replicas: [ControlPlane]) async throws -> [Int] {
        var leaders: [Int] = []
        for (index, replica) in replicas.enumerated() {
            if try await replica.page("/metrics").contains("apusd_leader 1") { leaders.append(index) }
        }
        return leaders
    }

    private func untilRoots(_ server: APIServer, in namespace: String, are roots: String) async throws {
        let path = "/api/v1/namespaces/\(namespace)/configmaps/istio-ca-root-cert"
        try await Wait.eventually("the roots in \(namespace)", seconds: 30, everyMilliseconds: 200) {
            let text = try await server.call("GET", path).text
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            return (object?["data"] as? [String: Any])?["root-cert.pem"] as? String == roots
        }
    }
}

/// A ztunnel of node1 that reaches apusd by a Service, the leader first.
private final class Node {
    private let namespace: TestNamespace
    private let service: MeshProcess
    private let ztunnel: MeshProcess

    init(_ server: APIServer, _ accounts: AccountMaker, leader: ControlPlane, other: ControlPlane) async throws {
        namespace = server.namespace
        let folder = server.directory.path
        let programs = try MeshPrograms()
        service = try MeshProcess(
            "service", in: namespace, output: "\(folder)/service.log",
            [
                "python3", "\(programs.checkout)/Tests/Fixtures/Programs/service.py", "127.0.0.1", "15012",
                "\(leader.port)", "\(other.port)",
            ])
        try await accounts.token("apus-system", "ztunnel", pod: "ztunnel-1").write(
            toFile: "\(folder)/istio-token", atomically: true, encoding: .utf8)
        ztunnel = try MeshProcess(
            "ztunnel", in: namespace,
            environment: [
                "NODE_NAME": "node1", "XDS_ADDRESS": "127.0.0.1:15012", "CA_ADDRESS": "127.0.0.1:15012",
                "AUTH_TOKEN": "\(folder)/istio-token", "XDS_ROOT_CA": leader.rootsPath,
                "CA_ROOT_CA": leader.rootsPath, "APUS_SOCKET": "\(folder)/ztunnel.sock",
                "POD_NAMESPACE": "apus-system", "POD_NAME": "ztunnel-1", "SERVICE_ACCOUNT": "ztunnel",
            ], output: "\(folder)/ztunnel.log", [programs.ztunnel])
    }

    /// Waits until the node knows of it.
    func untilShown(_ name: String) async throws {
        let command = [
            "ip", "netns", "exec", namespace.name, "curl", "-sS", "--max-time", "5",
            "http://127.0.0.1:15000/config_dump",
        ]
        do {
            try await Wait.eventually("\(name) at the node", seconds: 60, everyMilliseconds: 200) {
                try await offload { try Shell.runAnyStatus(command).output }.contains(name)
            }
        } catch {
            throw APIServer.Missing(description: "\(error); log: \(ztunnel.output.suffix(3000))")
        }
    }

    func stop() {
        ztunnel.signal(SIGKILL)
        service.signal(SIGKILL)
    }
}
