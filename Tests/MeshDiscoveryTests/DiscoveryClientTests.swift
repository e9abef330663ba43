import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf
import Synchronization
import Testing

/// What a client told its owner.
final class Observations: Sendable {
    private let worldsSeen = Mutex<[World]>([])
    private let eventsSeen = Mutex<[DiscoveryClient.Event]>([])

    var worlds: [World] { worldsSeen.withLock { $0 } }
    var events: [DiscoveryClient.Event] { eventsSeen.withLock { $0 } }

    func add(_ world: World) { worldsSeen.withLock { $0.append(world) } }
    func add(_ event: DiscoveryClient.Event) { eventsSeen.withLock { $0.append(event) } }
}

let quietLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a client against an endpoint while the body runs; `learn` is what its owner does with each world.
func withDiscoveryClient(
    _ endpoint: ControlPlaneEndpoint, learn: @escaping @Sendable () async -> Void = {},
    _ body: @Sendable (Observations) async throws -> Void
) async throws {
    let observations = Observations()
    let connection = ControlPlaneConnection(endpoint: endpoint, log: quietLog)
    let client = DiscoveryClient(
        connection: connection,
        node: NodeDescription(podName: "zt", podNamespace: "istio-system", nodeName: "node-a"), log: quietLog,
        onWorld: { world in
            observations.add(world)
            await learn()
        }, onEvent: { observations.add($0) })
    let run = Task { await client.run() }
    let result = await Result { try await body(observations) }
    run.cancel()
    await run.value
    await connection.shutdown()
    try result.get()
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

@Suite("The discovery client against a real server", .timeLimit(.minutes(1)))
struct DiscoveryClientTests {
    private func endpoint(_ port: Int) -> ControlPlaneEndpoint {
        var endpoint = ControlPlaneEndpoint(
            host: "127.0.0.1", port: UInt16(port), security: .plaintext, token: .literal("secret"), clusterID: "c1")
        endpoint.headers = [.init(name: "X-Extra", value: "1")]
        return endpoint
    }

    @Test("it subscribes to both types on one stream, acknowledges, and publishes one world per response")
    func subscription() async throws {
        let plane = FakeControlPlane()
        let web = try pod("web", at: ["10.0.0.1"])
        try await withControlPlane(plane) { port in
            try await withDiscoveryClient(endpoint(port)) { seen in
                try await eventually("two initial requests") { await plane.discovery.first?.requests.count == 2 }
                let stream = try #require(await plane.discovery.first)
                #expect(stream.requests.map(\.typeURL) == [.address, .authorization].map(urlOf))
                #expect(stream.requests.allSatisfy { $0.resourceNamesSubscribe.isEmpty && $0.responseNonce.isEmpty })
                #expect(stream.requests[0].node.metadata.fields["NODE_NAME"]?.stringValue == "node-a")
                #expect(Array(stream.metadata[stringValues: "authorization"]) == ["Bearer secret"])
                #expect(Array(stream.metadata[stringValues: "clusterid"]) == ["c1"])
                #expect(Array(stream.metadata[stringValues: "x-extra"]) == ["1"])
                await plane.send(response(.address, nonce: "n1", [WireCodec.encode(web)]), on: 0)
                try await eventually("an ACK") { await plane.discovery[0].requests.count == 3 }
                #expect(await plane.discovery[0].requests[2].responseNonce == "n1")
                #expect(await !plane.discovery[0].requests[2].hasErrorDetail)
                #expect(seen.worlds.map(\.workloadCount) == [1])
                #expect(!seen.events.contains(.ready))
                await plane.send(response(.authorization, nonce: "n2"), on: 0)
                try await eventually("readiness") { seen.events.contains(.ready) }
                #expect(seen.worlds.count == 2)
                #expect(seen.events.first == .connected)
                let byteCount = WireCodec.encode(web).body.value.count
                #expect(
                    seen.events.contains(
                        .message(typeURL: WireCodec.ResourceType.address.url, byteCount: byteCount)))
            }
        }
    }

    @Test("a response is acknowledged when its world has been learnt, and not before")
    func acknowledgesWhatIsLearnt() async throws {
        let plane = FakeControlPlane()
        let (learnt, letLearn) = AsyncStream.makeStream(of: Void.self)
        try await withControlPlane(plane) { port in
            try await withDiscoveryClient(endpoint(port), learn: { for await _ in learnt { return } }) { seen in
                try await eventually("two initial requests") { await plane.discovery.first?.requests.count == 2 }
                await plane.send(response(.address, nonce: "n1", [WireCodec.encode(try pod("web"))]), on: 0)
                await plane.send(response(.address, nonce: "n2", [WireCodec.encode(try pod("api"))]), on: 0)
                try await eventually("a world") { seen.worlds.count == 1 }
                // Whatever it would send by itself is sent within this time.
                try await Task.sleep(for: .milliseconds(200))
                #expect(await plane.discovery[0].requests.count == 2)
                letLearn.yield()
                try await eventually("the first ACK") { await plane.discovery[0].requests.count == 3 }
                #expect(await plane.discovery[0].requests[2].responseNonce == "n1")
                letLearn.yield()
                try await eventually("the second ACK") {
                    await plane.discovery[0].requests.last?.responseNonce == "n2"
                }
            }
        }
        letLearn.finish()
    }

    @Test("a refused resource is answered with a NACK on the wire")
    func refusal() async throws {
        let plane = FakeControlPlane()
        try await withControlPlane(plane) { port in
            try await withDiscoveryClient(endpoint(port)) { _ in
                try await eventually("two initial requests") { await plane.discovery.first?.requests.count == 2 }
                var bad = response(.address, nonce: "n1")
                bad.resources = [.with { $0.name = "x"; $0.resource.typeURL = WireCodec.ResourceType.address.url }]
                await plane.send(bad, on: 0)
                try await eventually("a NACK") { await plane.discovery[0].requests.count == 3 }
                let request = await plane.discovery[0].requests[2]
                #expect(request.responseNonce == "n1")
                #expect(request.errorDetail.message == "x: expected a workload or a service, found an empty address")
            }
        }
    }

    @Test("an ended stream is opened again with what is held, and the world stays meanwhile")
    func resumeAfterEnd() async throws {
        let plane = FakeControlPlane()
        let resource = WireCodec.encode(try pod("web"))
        try await withControlPlane(plane) { port in
            try await withDiscoveryClient(endpoint(port)) { seen in
                try await eventually("a stream") { await plane.discovery.first?.requests.count == 2 }
                await plane.send(response(.address, nonce: "n1", [resource]), on: 0)
                try await eventually("a world") { seen.worlds.count == 1 }
                await plane.endDiscovery(0)
                try await eventually("a second stream") {
                    await plane.discovery.dropFirst().first?.requests.count == 2
                }
                let again = await plane.discovery[1]
                #expect(again.requests[0].initialResourceVersions == [resource.name: resource.version])
                #expect(again.requests[0].hasNode)
                #expect(seen.worlds.last?.workloadCount == 1)
                #expect(seen.events.contains(.terminated(.complete)))
                await plane.send(response(.address, nonce: "n2", removed: [resource.name]), on: 1)
                try await eventually("an empty world") { seen.worlds.last?.workloadCount == 0 }
            }
        }
    }

    @Test("a control plane that goes and comes back is found again, and nothing is forgotten")
    func resumeAfterRestart() async throws {
        let first = FakeControlPlane()
        let second = FakeControlPlane()
        let resource = WireCodec.encode(try pod("web"))
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let firstServer = Task {
            try await withControlPlane(first) { port in
                announce.yield(port)
                for await _ in stops { return }
            }
        }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        try await withDiscoveryClient(endpoint(port)) { seen in
            try await eventually("a stream") { await first.discovery.first?.requests.count == 2 }
            await first.send(response(.address, nonce: "n1", [resource]), on: 0)
            try await eventually("a world") { seen.worlds.count == 1 }
            stop.finish()
            _ = try await firstServer.value
            try await eventually("a failed attempt") { seen.events.contains(.terminated(.connectionError)) }
            try await withControlPlane(second, port: port) { _ in
                try await eventually("a new stream") { await second.discovery.last?.requests.count == 2 }
                let again = try #require(await second.discovery.last)
                #expect(again.requests[0].initialResourceVersions == [resource.name: resource.version])
                #expect(seen.worlds.last?.workloadCount == 1)
            }
        }
    }
}

@Suite("The enrolment client against a real server", .timeLimit(.minutes(1)))
struct EnrolmentClientTests {
    @Test("it reports the whole state at start, on change, at intervals and on every new stream, and hands on intents")
    func synchronization() async throws {
        let plane = FakeControlPlane()
        let key = PodKey(namespace: "shop", name: "web")
        let received = IntentLog()
        try await withControlPlane(plane) { port in
            let connection = ControlPlaneConnection(
                endpoint: .init(host: "127.0.0.1", port: UInt16(port), security: .plaintext), log: quietLog)
            let client = EnrolmentClient(
                connection: connection, node: "node-a", log: quietLog, interval: .milliseconds(50),
                onIntent: { received.add($0) })
            let run = Task { await client.run() }
            let result = await Result {
                try await eventually("a report at start") { await plane.enrolment.first?.reports.isEmpty == false }
                #expect(await plane.enrolment[0].reports[0].node == "node-a")
                await client.report([PodReport(pod: key, phase: .proven)])
                try await eventually("the change") { await plane.enrolment[0].reports.last?.pods.count == 1 }
                let count = await plane.enrolment[0].reports.count
                try await eventually("repetition") { await plane.enrolment[0].reports.count > count + 2 }
                let intent = NodeIntent(
                    pods: [PodIntent(pod: key, serviceAccount: "web", captured: true, uid: "u-1")],
                    capturedNamespaces: ["shop"])
                var message = WireCodec.message(intent)
                message.pods.append(.init())
                await plane.send(message, on: 0)
                try await eventually("an intent") { received.all == [intent] }
                await plane.endEnrolment(0)
                try await eventually("a new stream") {
                    await plane.enrolment.dropFirst().first?.reports.isEmpty == false
                }
                #expect(await plane.enrolment[1].reports.first?.pods.count == 1)
            }
            run.cancel()
            await run.value
            await connection.shutdown()
            try result.get()
        }
    }

    @Test("each intent asks for a report, also when nothing has changed on the node")
    func reportsWhenAsked() async throws {
        let plane = FakeControlPlane()
        let key = PodKey(namespace: "shop", name: "web")
        try await withControlPlane(plane) { port in
            let connection = ControlPlaneConnection(
                endpoint: .init(host: "127.0.0.1", port: UInt16(port), security: .plaintext), log: quietLog)
            let client = EnrolmentClient(
                connection: connection, node: "node-a", log: quietLog, interval: .seconds(3600), onIntent: { _ in })
            await client.report([PodReport(pod: key, phase: .proven)])
            let run = Task { await client.run() }
            let result = await Result {
                try await eventually("a report at start") { await plane.enrolment.first?.reports.count == 1 }
                for expected in 2...4 {
                    await plane.send(.with { $0.pods = [] }, on: 0)
                    try await eventually("report \(expected)") {
                        await plane.enrolment[0].reports.count == expected
                    }
                }
                #expect(await plane.enrolment[0].reports.allSatisfy { $0.pods.count == 1 })
            }
            run.cancel()
            await run.value
            await connection.shutdown()
            try result.get()
        }
    }
}

final class IntentLog: Sendable {
    private let seen = Mutex<[NodeIntent]>([])

    var all: [NodeIntent] { seen.withLock { $0 } }
    func add(_ intent: NodeIntent) { seen.withLock { $0.append(intent) } }
}
