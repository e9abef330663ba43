import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

typealias DeltaResponse = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

func urlOf(_ type: WireCodec.ResourceType) -> String { type.url }

func response(
    _ type: WireCodec.ResourceType, nonce: String, _ resources: [WireCodec.EncodedResource] = [],
    removed: [String] = []
) -> DeltaResponse {
    .with {
        $0.typeURL = type.url
        $0.nonce = nonce
        $0.resources = resources.map(\.message)
        $0.removedResources = removed
    }
}

@Suite("A discovery session")
struct DiscoverySessionTests {
    private let policy = AuthorizationPolicy(name: "p", namespace: "ns", scope: .namespace, action: .deny, rules: [])

    @Test("it asks for both types, and is ready when both have answered")
    func readiness() {
        var session = DiscoverySession()
        #expect(session.connect().map(\.typeURL) == [.address, .authorization].map(urlOf))
        _ = session.receive(response(.address, nonce: "1"))
        #expect(!session.isReady)
        let step = session.receive(response(.authorization, nonce: "2"))
        #expect(session.isReady)
        #expect(step.request == DeltaRequest(typeURL: WireCodec.ResourceType.authorization.url, nonce: "2"))
        #expect(!step.worldChanged)
        session.disconnect()
        #expect(session.isReady)
    }

    @Test("resources and removals change the world, once per response")
    func changes() throws {
        var session = DiscoverySession()
        _ = session.connect()
        let web = try pod("web", at: ["10.0.0.1"])
        let encoded = WireCodec.encode(web)
        let step = session.receive(response(.address, nonce: "1", [encoded, WireCodec.encode(try service("h"))]))
        #expect(step.worldChanged && step.rejections.isEmpty)
        #expect(step.byteCount >= encoded.body.value.count)
        #expect(session.world.workload(uid: web.uid) == web)
        #expect(session.world.revision == 1)
        _ = session.receive(response(.authorization, nonce: "2", [WireCodec.encode(policy)]))
        #expect(session.world.policy("ns/p") == policy)
        _ = session.receive(response(.address, nonce: "3", removed: [web.uid, "ns/h"]))
        _ = session.receive(response(.authorization, nonce: "4", removed: ["ns/p"]))
        #expect(session.world.hasSameContent(as: World()))
        session.disconnect()
        let requests = session.connect()
        #expect(requests.map(\.initialVersions) == [[:], [:]])
    }

    @Test("what is held survives a break and is named on the next stream")
    func resume() throws {
        var session = DiscoverySession()
        _ = session.connect()
        let encoded = WireCodec.encode(try pod("web"))
        _ = session.receive(response(.address, nonce: "1", [encoded]))
        session.disconnect()
        #expect(session.world.workloadCount == 1)
        let requests = session.connect()
        #expect(requests[0].initialVersions == [encoded.name: encoded.version])
        #expect(requests[1].initialVersions.isEmpty)
    }

    @Test("a bad resource refuses only itself")
    func badResource() throws {
        var session = DiscoverySession()
        _ = session.connect()
        let good = WireCodec.encode(try pod("good"))
        var message = response(.address, nonce: "1", [good])
        message.resources.insert(
            .with {
                $0.name = "bad"
                $0.resource.typeURL = WireCodec.ResourceType.address.url
            }, at: 0)
        let step = session.receive(message)
        let error = try #require(step.request?.errorMessage)
        #expect(error == "bad: expected a workload or a service, found an empty address")
        #expect(session.world.workloadCount == 1)
    }

    @Test("a resource of another type than its response is refused")
    func mixedTypes() {
        var session = DiscoverySession()
        _ = session.connect()
        let step = session.receive(response(.address, nonce: "1", [WireCodec.encode(policy)]))
        #expect(step.rejections.map(\.name) == ["ns/p"])
        #expect(session.world.policyCount == 0)
    }

    @Test("a refused policy is missing where it applies; a policy under a foreign name is refused")
    func refusedPolicy() throws {
        var session = DiscoverySession()
        _ = session.connect()
        var message = response(.authorization, nonce: "1", [WireCodec.encode(policy)])
        message.resources[0].name = "ns/other"
        #expect(session.receive(message).rejections.map(\.name) == ["ns/other"])
        #expect(session.world.policies(for: try pod("web")).missing == ["ns/other"])
        #expect(session.world.policies(for: try pod("web", namespace: "x")).missing.isEmpty)
        // Bytes that decode to nothing leave only the name.
        message.resources[0].resource.value = Data([0xff])
        message.resources[0].name = "x/p"
        _ = session.receive(message)
        #expect(session.world.policies(for: try pod("web", namespace: "x")).missing == ["x/p"])
    }

    @Test("an unknown type is acknowledged and changes nothing")
    func unknownType() {
        var session = DiscoverySession()
        _ = session.connect()
        let step = session.receive(.with { $0.typeURL = "type.googleapis.com/other"; $0.nonce = "9" })
        #expect(step.request == DeltaRequest(typeURL: "type.googleapis.com/other", nonce: "9"))
        #expect(!step.worldChanged && !session.isReady)
    }

    @Test("only initial requests name the node, with what the server needs to know of it")
    func node() {
        let node = NodeDescription(
            podName: "zt-1", podNamespace: "istio-system", instanceIP: "10.0.0.9", nodeName: "node-a",
            metadata: ["CLUSTER_ID": "c1"])
        var initial = DeltaRequest(typeURL: "t", initialVersions: ["a": "v"], isInitial: true)
        let message = initial.message(from: node)
        #expect(message.node.id == "ztunnel~10.0.0.9~zt-1.istio-system~istio-system.svc.cluster.local")
        #expect(message.node.metadata.fields["NODE_NAME"]?.stringValue == "node-a")
        #expect(message.node.metadata.fields["CLUSTER_ID"]?.stringValue == "c1")
        #expect(message.initialResourceVersions == ["a": "v"])
        #expect(!message.hasErrorDetail)
        initial.isInitial = false
        initial.errorMessage = "x: y"
        #expect(!initial.message(from: node).hasNode)
        #expect(initial.message(from: node).errorDetail.message == "x: y")
        #expect(initial.message(from: node).errorDetail.code == 0)
    }
}
