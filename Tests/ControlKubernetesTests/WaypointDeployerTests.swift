import ControlSources
import ControlTranslate
import Foundation
import Logging
import MeshModel
import MeshTesting
import Synchronization
import Testing

@testable import ControlKubernetes

/// An API server that takes what is applied and remembers it.
private final class Memory: Sendable {
    private struct State {
        var objects: [String: JSONValue] = [:]
        var failing: [String: Int] = [:]
        var writes: [String] = []
        var lists = 0
    }

    private let state = Mutex(State())

    var writes: [String] { state.withLock { $0.writes } }
    /// How often ConfigMaps were asked for.
    var listCount: Int { state.withLock { $0.lists } }
    func object(_ path: String) -> JSONValue? { state.withLock { $0.objects[path] } }
    func put(_ path: String, _ object: JSONValue?) { state.withLock { $0.objects[path] = object } }

    /// Answers writes of the path with the status, from now on; `nil`: as it should.
    func fail(_ path: String, _ status: Int?) { state.withLock { $0.failing[path] = status } }

    func answer(_ request: FakeServer.Request) -> FakeServer.Reply {
        state.withLock { state in
            let path = request.plainPath
            if request.method != "GET" {
                state.writes.append("\(request.method) \(path)")
                if let status = state.failing[path] { return .refused(status) }
            }
            if path.hasSuffix("/configmaps") { state.lists += 1 }
            switch request.method {
            case "PATCH":
                let value = (try? APIReader.tree(Array(request.body.utf8)).value) ?? .null
                state.objects[path] = value
                return .whole(request.body)
            case "DELETE":
                state.objects[path] = nil
                return .whole("{}")
            default: return Self.read(path, state.objects)
            }
        }
    }

    private static func read(_ path: String, _ objects: [String: JSONValue]) -> FakeServer.Reply {
        if path == "/apis" { return FakeCluster.groups(["autoscaling": "v2beta2", "policy": "v1beta1", "apps": "v1"]) }
        if path.hasSuffix("/configmaps") {
            let items = objects.filter { $0.key.hasPrefix("\(path)/") }.sorted { $0.key < $1.key }.map {
                String(decoding: $0.value.json, as: UTF8.self)
            }
            return FakeCluster.list(items)
        }
        guard let object = objects[path] else { return .refused(404) }
        return .whole(String(decoding: object.json, as: UTF8.self))
    }
}

@Suite("Waypoints as pods")
struct WaypointDeployerTests {
    private static let deployment = "/apis/apps/v1/namespaces/shop/deployments/way"
    private static let service = "/api/v1/namespaces/shop/services/way"
    private static let account = "/api/v1/namespaces/shop/serviceaccounts/way"
    private static let scaler = "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/way"
    private static let options = "/api/v1/namespaces/shop/configmaps/options"

    /// What has been told.
    private final class Told: Sendable {
        private let state = Mutex<[[String: WaypointProblem]]>([])
        var last: WaypointProblem? { state.withLock { $0.last?["shop/way"] } }
        var count: Int { state.withLock { $0.count } }
        func add(_ problems: [String: WaypointProblem]) { state.withLock { $0.append(problems) } }
    }

    private func with(
        look milliseconds: Int64 = 30, repair: Int64 = 3_600_000,
        _ body: (WaypointDeployer, Memory, Told) async throws -> Void
    ) async throws {
        let memory = Memory()
        let server = try await FakeServer { memory.answer($0) }
        let told = Told()
        var settings = WaypointTemplateTests.settings
        settings.lookMilliseconds = milliseconds
        settings.repairMilliseconds = repair
        let deployer = WaypointDeployer(
            try ClusterConfiguration(
                server: server.url, rootsPEM: nil, client: nil, credentials: .none, origin: "test"),
            settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, tell: { told.add($0) })
        let task = Task { await deployer.run() }
        do {
            try await body(deployer, memory, told)
        } catch {
            Issue.record("\(error); writes: \(memory.writes); told: \(String(describing: told.last))")
        }
        task.cancel()
        await task.value
        await server.stop()
    }

    private static func named(_ parameters: String?) -> GatewayResource {
        WaypointTemplateTests.gateway { gateway in
            guard let parameters else { return }
            gateway.infrastructure = GatewayResource.Infrastructure(
                parameters: GatewayResource.Parameters(group: "", kind: "ConfigMap", name: parameters))
        }
    }

    @Test("each object is applied once, and not before we may write")
    func applied() async throws {
        try await with { deployer, memory, told in
            deployer.want([Self.named(nil)])
            deployer.enable(true)
            try await Wait.eventually("the Deployment", seconds: 60) { memory.object(Self.deployment) != nil }
            #expect(memory.object(Self.service)?["kind"]?.text == "Service")
            let first = memory.writes
            #expect(first == ["PATCH \(Self.account)", "PATCH \(Self.service)", "PATCH \(Self.deployment)"])
            // Looks go by; then a change of the Gateway is one more write for each object.
            deployer.want([WaypointTemplateTests.gateway { $0.metadata.labels["team"] = "b" }])
            try await Wait.eventually("the change", seconds: 60) { memory.writes.count >= 6 }
            #expect(memory.writes == first + first && told.count == 0)
        }
    }

    @Test("what has not changed is not looked at again for it")
    func unchanged() async throws {
        try await with(look: 3_600_000) { deployer, memory, _ in
            deployer.enable(true)
            deployer.want([Self.named(nil)])
            try await Wait.eventually("the Deployment", seconds: 60) { memory.object(Self.deployment) != nil }
            for _ in 0..<20 {
                deployer.want([Self.named(nil)])
                await Task.yield()
            }
            deployer.want([WaypointTemplateTests.gateway { $0.metadata.labels["team"] = "b" }])
            try await Wait.eventually("the change", seconds: 60) { memory.writes.count >= 6 }
            #expect(memory.listCount == 2)
        }
    }

    @Test("what an overlay asks for comes, follows the overlay, and goes with it")
    func overlay() async throws {
        try await with { deployer, memory, told in
            deployer.enable(true)
            deployer.want([Self.named("options")])
            try await Wait.eventually("the problem", seconds: 60) { told.last?.cause == .parameters }
            #expect(memory.writes.isEmpty && told.last?.message.contains("ConfigMap shop/options") == true)
            memory.put(Self.options, ["data": ["horizontalPodAutoscaler": "spec: {maxReplicas: 3}"]])
            try await Wait.eventually("the autoscaler", seconds: 60) {
                memory.object(Self.scaler)?["spec"]?["maxReplicas"]?.integer == 3 && told.last == nil
            }
            memory.put(Self.scaler, memory.object(Self.scaler)?.with(uid: "s1"))
            memory.put(Self.options, ["data": ["deployment": "spec: {replicas: 2}"]])
            try await Wait.eventually("no autoscaler", seconds: 60) {
                memory.object(Self.scaler) == nil
                    && memory.object(Self.deployment)?["spec"]?["replicas"]?.integer == 2
            }
        }
    }

    @Test("the defaults of a class are laid over first")
    func classDefaults() async throws {
        try await with { deployer, memory, _ in
            memory.put(
                "/api/v1/namespaces/apus-system/configmaps/defaults",
                ["metadata": ["name": "defaults"], "data": ["deployment": "spec: {replicas: 2, paused: true}"]])
            memory.put(Self.options, ["data": ["deployment": "spec: {replicas: 4}"]])
            deployer.enable(true)
            deployer.want([Self.named("options")])
            try await Wait.eventually("the Deployment", seconds: 60) { memory.object(Self.deployment) != nil }
            let spec = memory.object(Self.deployment)?["spec"]
            #expect(spec?["replicas"]?.integer == 4 && spec?["paused"] == true)
        }
    }

    @Test("an object that somebody made by hand is not touched")
    func foreign() async throws {
        try await with { deployer, memory, told in
            memory.put(Self.service, ["metadata": ["name": "way", "labels": ["a": "b"]]])
            deployer.enable(true)
            deployer.want([Self.named(nil)])
            try await Wait.eventually("the problem", seconds: 60) { told.last?.cause == .parameters }
            #expect(told.last?.message.contains("Service shop/way") == true)
            #expect(memory.object(Self.service)?["spec"] == nil && memory.object(Self.deployment) == nil)
        }
    }

    @Test("a write that fails is told and tried again", arguments: [401, 409, 422, 429, 500])
    func failure(_ status: Int) async throws {
        try await with { deployer, memory, told in
            memory.fail(Self.service, status)
            deployer.enable(true)
            deployer.want([Self.named(nil)])
            try await Wait.eventually("the problem", seconds: 60) { told.last?.cause == .objects }
            memory.fail(Self.service, nil)
            try await Wait.eventually("the Deployment", seconds: 30) {
                memory.object(Self.deployment) != nil && told.last == nil
            }
        }
    }

    @Test("what others change is repaired after a while")
    func repair() async throws {
        try await with(repair: 100) { deployer, memory, _ in
            deployer.enable(true)
            deployer.want([Self.named(nil)])
            try await Wait.eventually("the Deployment", seconds: 60) { memory.object(Self.deployment) != nil }
            memory.put(Self.service, nil)
            try await Wait.eventually("the Service", seconds: 60) { memory.object(Self.service) != nil }
        }
    }
}

extension JSONValue {
    fileprivate func with(uid: String) -> JSONValue {
        var members = members ?? [:]
        var metadata = members["metadata"]?.members ?? [:]
        metadata["uid"] = .string(uid)
        members["metadata"] = .object(metadata)
        return .object(members)
    }
}
