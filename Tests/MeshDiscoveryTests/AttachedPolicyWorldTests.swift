import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

@Suite("Policies of waypoints in the world")
struct AttachedPolicyWorldTests {
    private static let service = ServiceKey(namespace: "shop", hostname: "web")
    private static let waypoint = WaypointKey(namespace: "shop", name: "gate")

    private static func policy(
        _ name: String, _ bindings: [PolicyBinding], action: RequestPolicy.Action = .deny
    ) -> AttachedPolicy {
        AttachedPolicy(RequestPolicy(name: name, namespace: "shop", action: action, rules: []), bindings: bindings)
    }

    private func session() -> DiscoverySession {
        var session = DiscoverySession(wantsRoutes: true)
        _ = session.connect()
        return session
    }

    private func applicable(
        _ world: World, _ service: ServiceKey? = service, _ waypoint: WaypointKey = waypoint
    ) -> [String] {
        let found = world.requestPolicies(for: service, of: waypoint)
        return found.policies.map(\.name) + found.tokens.map(\.name) + found.missing.map { "missing \($0)" }
    }

    @Test("each binding reaches its own traffic and no other")
    func bindings() {
        var world = World()
        world.apply(contentsOf: [
            .upsertAttachedPolicy(Self.policy("service", [.service(Self.service)])),
            .upsertAttachedPolicy(Self.policy("waypoint", [.waypoint(Self.waypoint)])),
            .upsertAttachedPolicy(Self.policy("namespace", [.waypoints(namespace: "shop")])),
            .upsertAttachedPolicy(Self.policy("nowhere", [])),
            .upsertAttachedPolicy(
                AttachedPolicy(
                    TokenPolicy(name: "token", namespace: "shop", rules: []), bindings: [.service(Self.service)])),
        ])
        #expect(applicable(world) == ["namespace", "service", "waypoint", "token"])
        #expect(applicable(world, nil) == ["namespace", "waypoint"])
        #expect(applicable(world, Self.service, WaypointKey(namespace: "shop", name: "b")) == [
            "namespace", "service", "token",
        ])
        #expect(applicable(world, Self.service, WaypointKey(namespace: "b", name: "gate")) == ["service", "token"])
        #expect(applicable(world, ServiceKey(namespace: "b", hostname: "web")) == ["namespace", "waypoint"])
        let revision = world.attachedPolicyRevision
        world.apply(.upsertAttachedPolicy(Self.policy("service", [])))
        #expect(applicable(world) == ["namespace", "waypoint", "token"])
        #expect(world.attachedPolicyRevision == revision + 1)
        world.apply(.upsertAttachedPolicy(Self.policy("service", [])))
        world.apply(.removeAttachedPolicy(name: "unknown"))
        #expect(world.attachedPolicyRevision == revision + 1)
    }

    @Test("a request policy and a policy of tokens of one name are two")
    func kinds() {
        var world = World()
        let token = AttachedPolicy(
            TokenPolicy(name: "p", namespace: "shop", rules: []), bindings: [.waypoint(Self.waypoint)])
        world.apply(contentsOf: [
            .upsertAttachedPolicy(token), .upsertAttachedPolicy(Self.policy("p", [.waypoint(Self.waypoint)])),
        ])
        #expect(applicable(world) == ["p", "p"])
        world.apply(.removeAttachedPolicy(name: "token/shop/p"))
        #expect(applicable(world) == ["p"])
    }

    @Test("until policies have come, a waypoint counts them as missing; a node asks for none")
    func awaited() {
        var session = session()
        #expect(applicable(session.world) == ["missing *"])
        let step = session.receive(response(.attachedPolicies, nonce: "1"))
        #expect(step.worldChanged && applicable(session.world).isEmpty)
        #expect(!session.receive(response(.attachedPolicies, nonce: "2")).worldChanged)
        session.disconnect()
        _ = session.connect()
        #expect(applicable(session.world).isEmpty)
        var node = DiscoverySession()
        #expect(node.connect().count == 2 && applicable(node.world).isEmpty)
        let encoded = WireCodec.encode(Self.policy("p", [.waypoint(Self.waypoint)]))
        #expect(!node.receive(response(.attachedPolicies, nonce: "1", [encoded])).worldChanged)
    }

    @Test("a refused policy leaves the old one in force; without an old one it is missed where it would have held")
    func refused() throws {
        var session = session()
        let encoded = WireCodec.encode(Self.policy("p", [.service(Self.service)]))
        var message = try Apus_Waypoint_V1_AttachedPolicy(serializedBytes: encoded.body.value)
        message.request.action = .UNRECOGNIZED(77)
        var bad = response(.attachedPolicies, nonce: "1", [encoded])
        bad.resources[0].resource.value = try message.serializedBytes()
        let step = session.receive(bad)
        #expect(step.request?.errorMessage?.hasPrefix("request/shop/p: ") == true)
        #expect(applicable(session.world) == ["missing request/shop/p"])
        #expect(applicable(session.world, nil).isEmpty)
        session.disconnect()
        #expect(session.connect().first?.initialVersions == ["request/shop/p": ""])
        _ = session.receive(response(.attachedPolicies, nonce: "2", [encoded]))
        #expect(applicable(session.world) == ["p"])
        _ = session.receive(bad)
        #expect(applicable(session.world) == ["p"])
        _ = session.receive(response(.attachedPolicies, nonce: "4", removed: ["request/shop/p"]))
        #expect(applicable(session.world).isEmpty)
    }

    @Test("a refused policy whose bindings cannot be read is missed everywhere, until it is removed")
    func refusedEverywhere() {
        var session = session()
        var bad = response(
            .attachedPolicies, nonce: "1", [WireCodec.encode(Self.policy("p", [.service(Self.service)]))])
        bad.resources[0].resource.value = Data([0xff])
        _ = session.receive(bad)
        #expect(applicable(session.world, nil, WaypointKey(namespace: "x", name: "y")) == ["missing request/shop/p"])
        _ = session.receive(response(.attachedPolicies, nonce: "2", removed: ["request/shop/p"]))
        #expect(applicable(session.world).isEmpty)
        #expect(session.world.hasSameContent(as: World()))
    }

    @Test("a policy under the name of another is refused")
    func foreignName() {
        var session = session()
        var message = response(
            .attachedPolicies, nonce: "1", [WireCodec.encode(Self.policy("p", [.service(Self.service)]))])
        message.resources[0].name = "request/shop/q"
        #expect(session.receive(message).rejections.map(\.name) == ["request/shop/q"])
        #expect(applicable(session.world) == ["missing request/shop/q"])
    }
}
