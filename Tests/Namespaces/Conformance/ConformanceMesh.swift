import Foundation
import MeshTesting
import Testing

/// The objects of the Gateway API's mesh conformance suite: `echo` with the pods of `echo-v1` and `echo-v2`, which also
/// have services of their own, all behind one waypoint. (kubernetes-sigs/gateway-api, conformance/mesh/manifests.yaml;
/// `echo-v3` is that of its gateway suite.)
struct ConformanceMesh {
    static let services = [
        "echo": "10.96.1.1", "echo-v1": "10.96.1.2", "echo-v2": "10.96.1.3", "echo-v3": "10.96.1.4",
    ]
    static let pods = ["echo-v1", "echo-v2", "echo-v3"]

    let mesh: MeshFixture
    private let servers: [String: MeshProcess]
    private let callServers: [MeshProcess]
    private let waypoint: MeshProcess

    static var plan: MeshFixture.Plan {
        var plan = MeshFixture.Plan()
        var client = MeshPodPlan("client", node: 1, octet: 30)
        client.isServing = false
        plan.pods = [client]
        for (number, name) in pods.enumerated() {
            var pod = MeshPodPlan(name, node: 2, octet: 31 + number)
            pod.isServing = false
            pod.labels["version"] = name
            if name != "echo-v3" { pod.labels["app"] = "echo" }
            plan.pods.append(pod)
        }
        var waypoint = MeshPodPlan("waypoint-0", node: 2, octet: 40)
        waypoint.serviceAccount = "waypoint"
        waypoint.isServing = false
        waypoint.labels["gateway.networking.k8s.io/gateway-name"] = "waypoint"
        waypoint.labels["networking.istio.io/tunnel"] = "http"
        waypoint.labels["istio.io/dataplane-mode"] = "none"
        plan.pods.append(waypoint)
        plan.isAttached = false
        return plan
    }

    init(_ mesh: MeshFixture) async throws {
        self.mesh = mesh
        try mesh.write("conformance", Self.resources)
        let captured = ["client"] + Self.pods
        for pod in captured { try await mesh.attach(pod) }
        try await mesh.untilCaptured(captured)
        var servers: [String: MeshProcess] = [:]
        for pod in Self.pods { servers[pod] = try await mesh.serveEcho(in: pod, port: 7080) }
        self.servers = servers
        var callServers: [MeshProcess] = []
        for pod in Self.pods { callServers.append(try await mesh.serveGRPC(in: pod, port: 7082)) }
        self.callServers = callServers
        waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
        try await check([.status(200, Ask("/"))])
    }

    private static var resources: String {
        let gateway = """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: { name: waypoint, namespace: shop }
            spec:
              gatewayClassName: istio-waypoint
              listeners: [ { name: mesh, port: 15008, protocol: HBONE } ]
            """
        let services = services.sorted { $0.key < $1.key }.map { name, address in
            """
            apiVersion: v1
            kind: Service
            metadata: { name: \(name), namespace: shop, labels: { istio.io/use-waypoint: waypoint } }
            spec:
              clusterIP: \(address)
              selector: { \(name == "echo" ? "app: echo" : "version: \(name)") }
              ports:
                - { name: http, port: 80, targetPort: 7080 }
                - { name: http-alt, port: 8080, targetPort: 7080 }
                - { name: grpc, port: 7070, targetPort: 7082 }
            """
        }
        return ([gateway] + services).joined(separator: "\n---\n") + "\n"
    }

    /// An HTTPRoute; `spec` is what stands below it, without indentation.
    static func httpRoute(_ name: String, _ spec: String, kind: String = "HTTPRoute") -> String {
        let lines = spec.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return """
            apiVersion: gateway.networking.k8s.io/v1
            kind: \(kind)
            metadata: { name: \(name), namespace: shop }
            spec:
            \(lines)
            """
    }

    /// Parents and one service: what most routes begin with.
    static func parent(_ service: String, port: Int? = nil) -> String {
        let port = port.map { ", port: \($0)" } ?? ""
        return "parentRefs: [ { group: '', kind: Service, name: \(service)\(port) } ]\n"
    }

    /// Puts these in place of all routes there are, and holds until the answers are as expected, three times in a row.
    func check(_ routes: [String], _ expectations: [Expectation]) async throws {
        try mesh.write("routes", routes.joined(separator: "\n---\n") + "\n")
        try await check(expectations)
    }

    func check(_ expectations: [Expectation], seconds: Double = 30) async throws {
        var problems: [String] = []
        var successes = 0
        do {
            try await Wait.eventually("the expected answers", seconds: seconds, everyMilliseconds: 100) {
                let answers = try await ask(expectations.map(\.ask))
                problems = zip(expectations, answers).compactMap { expectation, answer in
                    expectation.problem(answer).map {
                        "\(expectation.ask.method) \(expectation.ask.path) \(expectation.ask.headers): \($0): \(answer)"
                    }
                }
                successes = problems.isEmpty ? successes + 1 : 0
                return successes == 3
            }
        } catch let error as Wait.TimedOut {
            throw Unmet(problems: problems, error: "\(error)")
        }
    }

    /// Asks all, one after the other.
    func ask(_ asks: [Ask]) async throws -> [Answer] {
        let data = try JSONEncoder().encode(asks)
        let output = try await mesh.ask(String(decoding: data, as: UTF8.self), from: "client")
        return try JSONDecoder().decode([Answer].self, from: Data(output.utf8))
    }

    /// The share of 500 answers that each pod gave, after the route is known to be there.
    func shares(_ ask: Ask, count: Int = 500) async throws -> [String: Double] {
        let answers = try await self.ask(Array(repeating: ask, count: count))
        let failed = answers.filter { $0.status != 200 }
        #expect(failed.isEmpty, "\(failed.first?.description ?? "")")
        var counts: [String: Double] = [:]
        for answer in answers { counts[answer.seen?.pod ?? "none", default: 0] += 1 / Double(count) }
        return counts
    }

    /// The requests that a pod has printed.
    func requests(at pod: String) -> [Answer.Seen] {
        (servers[pod]?.output ?? "").split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Answer.Seen.self, from: Data($0.utf8))
        }
    }

    func stop() async {
        await waypoint.stop()
        for server in Array(servers.values) + callServers { await server.stop(SIGKILL) }
    }

    struct Unmet: Error, CustomStringConvertible {
        let problems: [String]
        let error: String

        var description: String { "\(error)\n" + problems.joined(separator: "\n") }
    }
}

/// One mesh for all tests of a suite.
struct ConformanceTrait: SuiteTrait, TestScoping {
    @TaskLocal static var current: ConformanceMesh?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await MeshGate.shared.pass {
            try await MeshFixture.with(ConformanceMesh.plan) { mesh in
                let conformance = try await ConformanceMesh(mesh)
                try await Self.$current.withValue(conformance) { try await function() }
                await conformance.stop()
            }
        }
    }
}

extension Trait where Self == ConformanceTrait {
    static var conformance: ConformanceTrait { ConformanceTrait() }
}

/// Runs a test with the mesh of its suite; routes of an earlier test are gone.
func conforming(_ body: (ConformanceMesh) async throws -> Void) async throws {
    let mesh = try #require(ConformanceTrait.current, "the suite has no mesh")
    do {
        try await body(mesh)
    } catch {
        throw MeshFixture.StepFailure(cause: "\(error)", logs: await mesh.mesh.diagnosis())
    }
}
