import ControlTranslate
import Foundation
import Logging
import MeshTesting
import Synchronization
import Testing

@testable import ControlKubernetes

/// An API server with the kinds of the core and EndpointSlices, one pod, and whatever a test answers otherwise.
enum FakeCluster {
    static let podPath = "/api/v1/pods"

    static func pod(_ name: String, revision: Int, node: String = "n1") -> String {
        """
        {"metadata":{"name":"\(name)","namespace":"shop","resourceVersion":"\(revision)"},\
        "spec":{"nodeName":"\(node)","serviceAccountName":"web"},"status":{"phase":"Running"}}
        """
    }

    static func list(_ items: [String] = [], revision: Int = 10, token: String = "") -> FakeServer.Reply {
        .whole(
            """
            {"kind":"List","metadata":{"resourceVersion":"\(revision)","continue":"\(token)"},\
            "items":[\(items.joined(separator: ","))]}
            """)
    }

    static func event(_ type: String, _ object: String) -> FakeServer.Piece {
        .text("{\"type\":\"\(type)\",\"object\":\(object)}\n")
    }

    static func resources(_ names: [String]) -> FakeServer.Reply {
        let items = names.map { "{\"name\":\"\($0)\",\"verbs\":[\"get\",\"list\",\"watch\"]}" }
        return .whole("{\"kind\":\"APIResourceList\",\"resources\":[\(items.joined(separator: ","))]}")
    }

    static func groups(_ groups: [String: String]) -> FakeServer.Reply {
        let items = groups.sorted { $0.key < $1.key }.map {
            "{\"name\":\"\($0.key)\",\"versions\":[{\"version\":\"\($0.value)\"}]}"
        }
        return .whole("{\"kind\":\"APIGroupList\",\"groups\":[\(items.joined(separator: ","))]}")
    }

    /// The answers where a test has none of its own.
    static func standard(_ request: FakeServer.Request) -> FakeServer.Reply {
        if request.isWatch { return FakeServer.Reply(pieces: [.hold]) }
        switch request.plainPath {
        case "/readyz": return .whole("ok")
        case "/apis": return groups(["discovery.k8s.io": "v1"])
        case "/api/v1": return resources(["configmaps", "namespaces", "nodes", "pods", "services", "serviceaccounts"])
        case "/apis/discovery.k8s.io/v1": return resources(["endpointslices"])
        case podPath: return list([pod("one", revision: 5)])
        default: return list()
        }
    }

    static func server(
        _ own: @escaping @Sendable (FakeServer.Request) -> FakeServer.Reply?
    ) async throws -> FakeServer {
        try await FakeServer { own($0) ?? standard($0) }
    }
}

/// A source at a server, and what it has told.
final class SourceRig: Sendable {
    struct Told: Sendable {
        let pods: [String]
        let resources: ResourceSet
        let findings: [Finding]
    }

    let source: KubernetesSource
    private let box = Box()
    private let task: Task<Void, Never>

    private final class Box: Sendable {
        let told = Mutex<[Told]>([])
        let waiting = Mutex<[String]>([])
    }

    static var quick: SourceTiming {
        var timing = SourceTiming()
        timing.quietMilliseconds = 5
        timing.discoveryMilliseconds = 100
        timing.hurriedDiscoveryMilliseconds = 50
        timing.absenceMilliseconds = 150
        timing.pageLimit = 2
        return timing
    }

    init(
        _ server: FakeServer, timing: SourceTiming = SourceRig.quick,
        credentials: ClusterConfiguration.Credentials = .none
    ) throws {
        let configuration = try ClusterConfiguration(
            server: server.url, rootsPEM: nil, client: nil, credentials: credentials, origin: "test")
        let box = box
        let source = KubernetesSource(
            configuration, timing: timing, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { waiting in box.waiting.withLock { $0 = waiting } }
        self.source = source
        task = Task {
            await source.run { resources, findings in
                let pods = resources.pods.map(\.metadata.name)
                box.told.withLock { $0.append(Told(pods: pods, resources: resources, findings: findings)) }
            }
        }
    }

    var told: [Told] { box.told.withLock { $0 } }
    var waiting: [String] { box.waiting.withLock { $0 } }

    func status(_ name: String) -> KindStatus? { source.statusBoard.current.first { $0.name == name } }

    func until(_ subject: String, seconds: Double = 20, _ condition: () -> Bool) async throws {
        try await Wait.eventually(subject, seconds: seconds) { condition() }
    }

    func untilPods(_ names: [String]) async throws {
        try await until("pods \(names), found \(told.last?.pods ?? [])") { told.last?.pods == names }
    }

    func stop() async {
        task.cancel()
        await task.value
    }

    /// Runs a source at a server with answers of the test's own.
    static func with(
        timing: SourceTiming = quick, credentials: ClusterConfiguration.Credentials = .none,
        _ answer: @escaping @Sendable (FakeServer.Request) -> FakeServer.Reply?,
        _ body: (SourceRig, FakeServer) async throws -> Void
    ) async throws {
        let server = try await FakeCluster.server(answer)
        let rig = try SourceRig(server, timing: timing, credentials: credentials)
        do {
            try await body(rig, server)
        } catch {
            Issue.record("\(error); status: \(rig.source.statusBoard.current)")
        }
        await rig.stop()
        await server.stop()
    }
}

/// Something that a test opens once.
final class Gate: Sendable {
    private let state = Mutex(false)
    var isOpen: Bool { state.withLock { $0 } }
    func open() { state.withLock { $0 = true } }
}

/// How far a test is.
final class Stage: Sendable {
    private let state = Mutex(0)
    var value: Int { state.withLock { $0 } }
    func set(_ value: Int) { state.withLock { $0 = value } }
}
