import ControlTranslate
import MeshModel
import Testing

@testable import ControlKubernetes

@Suite("Ours and others' in one status")
struct StatusMergeTests {
    private static let time = "2024-01-01T00:00:00Z"

    private func patch(_ content: StatusWish.Content, generation: Int = 2, _ status: JSONValue) -> JSONValue? {
        let key = StatusKey(StatusKinds.gateways[0], namespace: "shop", name: "w")
        let object = ObservedObject(JSONValue.object(["status": status]), of: key.kind)
        return StatusMerge.patch(StatusWish(key, generation: generation, content), object, now: Self.time)
    }

    private func condition(
        _ type: String, _ status: String = "True", message: String = "", generation: Int = 2,
        since: String = StatusMergeTests.time
    ) -> JSONValue {
        [
            "type": .string(type), "status": .string(status), "reason": "R", "message": .string(message),
            "observedGeneration": JSONValue(generation), "lastTransitionTime": .string(since),
        ]
    }

    private func wished(_ type: String, _ isTrue: Bool = true, _ message: String = "") -> StatusWish.Condition {
        StatusWish.Condition(type, isTrue, "R", message)
    }

    @Test("the time of a condition changes with its status only")
    func transition() {
        let old = condition("A", message: "old", generation: 1, since: "2020-01-01T00:00:00Z")
        func new(_ wish: StatusWish.Condition) -> JSONValue? {
            patch(.conditions([wish], owned: ["A"]), ["conditions": [old]])?["status"]?["conditions"]
        }
        #expect(new(wished("A", true, "new")) == [condition("A", message: "new", since: "2020-01-01T00:00:00Z")])
        #expect(new(wished("A", false, "new")) == [condition("A", "False", message: "new")])
        #expect(patch(.conditions([wished("A")], owned: ["A"]), ["conditions": [condition("A", since: "1999")]]) == nil)
    }

    @Test("others' conditions stay in place; ours that are not wished go, and only these")
    func foreign() {
        let old: JSONValue = ["conditions": [condition("X"), condition("A"), condition("Y")]]
        let new = patch(.conditions([wished("B")], owned: ["A", "B"]), old)?["status"]?["conditions"]
        #expect(new == [condition("X"), condition("Y"), condition("B")])
        #expect(patch(.conditions([], owned: ["A"]), ["conditions": [condition("X")]]) == nil)
        #expect(patch(.conditions([], owned: ["A"]), [:]) == nil)
    }

    private func parent(_ kind: String, _ name: String, controller: String = StatusKinds.controller) -> JSONValue {
        [
            "controllerName": .string(controller),
            "parentRef": ["group": "", "kind": .string(kind), "name": .string(name)],
            "conditions": [condition("Accepted")],
        ]
    }

    private func wishedParent(_ name: String) -> StatusWish.Parent {
        StatusWish.Parent(
            group: "", kind: "Service", namespace: nil, name: name, sectionName: nil, port: nil,
            conditions: [wished("Accepted")])
    }

    @Test("of a route's parents only those of the mesh with our name are ours")
    func parents() {
        let others = [parent("Service", "a", controller: "other.io/x"), parent("Gateway", "g")]
        let old: JSONValue = ["parents": .array(others + [parent("Service", "gone")])]
        let new = patch(.parents([wishedParent("a")]), old)?["status"]?["parents"]
        #expect(new == .array(others + [parent("Service", "a")]))
        #expect(patch(.parents([wishedParent("a")]), ["parents": .array(others + [parent("Service", "a")])]) == nil)
        #expect(patch(.parents([]), ["parents": .array(others)]) == nil)
    }

    @Test("a Gateway's addresses and listeners are as wished, and only what differs is sent")
    func gateway() {
        let content = StatusWish.Content.gateway(
            [wished("Accepted")], addresses: [StatusWish.Address(type: "IPAddress", value: "10.0.0.1")],
            listeners: [StatusWish.Listener(name: "mesh", conditions: [wished("Accepted")])])
        let status: JSONValue = [
            "conditions": [condition("Accepted")], "addresses": [["type": "IPAddress", "value": "10.0.0.1"]],
            "listeners": [
                ["name": "mesh", "attachedRoutes": 0, "supportedKinds": [], "conditions": [condition("Accepted")]]
            ],
        ]
        #expect(patch(content, [:])?["status"] == status)
        #expect(patch(content, status) == nil)
        var other = status.members ?? [:]
        other["addresses"] = []
        let addresses: JSONValue = [["type": "IPAddress", "value": "10.0.0.1"]]
        #expect(patch(content, .object(other)) == ["status": ["addresses": addresses]])
    }

    @Test("an annotation is set, and taken away")
    func annotation() {
        let set = StatusWish.Content.annotation("a/b", "enabled", uid: "")
        #expect(patch(set, [:]) == ["metadata": ["annotations": ["a/b": "enabled"]]])
        #expect(patch(.annotation("a/b", nil, uid: ""), [:]) == nil)
        #expect(patch(.annotation("a/b", "enabled", uid: "another"), [:]) == nil)
    }

    @Test("what a world says of its resources becomes wishes; Gateways of others are left alone")
    func wishes() {
        var world = DesiredWorld()
        world.gatewayStatuses = [GatewayStatus(namespace: "shop", name: "w", generation: 3)]
        world.bindingStatuses = [
            BindingStatus(kind: .service, namespace: "shop", name: "web", reason: .accepted, message: "yes")
        ]
        world.policyStatuses = [
            PolicyStatus(.waypoint, namespace: "shop", name: "p", generation: 1, reason: .targetNotFound)
        ]
        let wishes = StatusWish.all(of: world)
        #expect(wishes.map { "\($0.key)" } == [
            "gateways.gateway.networking.k8s.io shop/w", "services shop/web",
            "authorizationpolicies.security.istio.io shop/p",
        ])
        #expect(StatusWish.none(StatusKey(StatusKinds.gateways[0], namespace: "shop", name: "other")) == nil)
        #expect(StatusWish.none(StatusKey(StatusKinds.services[0], namespace: "shop", name: "other")) != nil)
    }
}
