import ControlSources
import ControlTranslate
import MeshModel
import Testing

@testable import ControlKubernetes

@Suite("Annotations that are kept")
struct AnnotationTests {
    private static let served = ServedKind(kind: StatusKinds.pods[0], version: "v1")
    private static let name = RedirectionPatch.annotation

    private func pod(_ value: String?, revision: Int, uid: String = "u1") -> JSONValue {
        var annotations: [String: JSONValue] = ["other": "large"]
        annotations[Self.name] = value.map { .string($0) }
        return [
            "metadata": [
                "name": "web", "namespace": "shop", "uid": .string(uid), "resourceVersion": .string("\(revision)"),
                "annotations": .object(annotations),
            ],
            "status": ["phase": "Running"],
        ]
    }

    private func stored(_ object: JSONValue) -> [String: StoredObject] {
        ["shop/web": StoredObject(ResourceFile.Contents(), observed: ObservedObject(object, of: Self.served.kind))]
    }

    private func machine(_ value: String?, _ object: JSONValue, leads: Bool = true) -> StatusMachine {
        var machine = StatusMachine()
        if leads { machine.enable(true) }
        machine.observe(Self.served, stored(object))
        machine.wish([
            StatusWish(
                StatusKey(Self.served.kind, namespace: "shop", name: "web"), generation: 0,
                .annotation(Self.name, value, uid: "u1"))
        ])
        return machine
    }

    private func requests(_ machine: inout StatusMachine, at now: Int64 = 0) -> [StatusMachine.Request] {
        machine.requests(nowMilliseconds: now, time: "")
    }

    @Test("one patch of the object itself, then nothing, also when the wish is gone")
    func once() throws {
        var machine = machine("enabled", pod(nil, revision: 1))
        let request = try #require(requests(&machine).first)
        guard case .patch(_, _, let part, let patch, _) = request else { throw Unexpected() }
        #expect(part == nil)
        #expect(patch == ["metadata": ["annotations": ["ambient.istio.io/redirection": "enabled"],
            "resourceVersion": "1"]])
        machine.take(.success(pod("enabled", revision: 2)), of: request, nowMilliseconds: 0, chance: 0)
        #expect(requests(&machine).isEmpty)
        machine.observe(Self.served, stored(pod("enabled", revision: 2)))
        machine.wish([])
        #expect(requests(&machine).isEmpty && machine.nextLook(nowMilliseconds: 0) == nil)
    }

    @Test("a replica that does not lead writes it as well: nobody else hears its nodes")
    func follower() throws {
        var never = machine("enabled", pod(nil, revision: 1), leads: false)
        #expect(requests(&never).count == 1)
        var noLonger = machine("enabled", pod(nil, revision: 1))
        noLonger.enable(false)
        #expect(requests(&noLonger).count == 1)
    }

    @Test("it is taken away with null")
    func removal() throws {
        var machine = machine(nil, pod("enabled", revision: 1))
        guard case .patch(_, _, _, let patch, _)? = requests(&machine).first else { throw Unexpected() }
        #expect(patch["metadata"]?["annotations"] == ["ambient.istio.io/redirection": .null])
    }

    @Test("another pod of the name is left alone, and one that is gone is forgotten")
    func lives() throws {
        var another = machine("enabled", pod(nil, revision: 1, uid: "u2"))
        #expect(requests(&another).isEmpty)
        var machine = machine("enabled", pod(nil, revision: 1))
        let request = try #require(requests(&machine).first)
        machine.take(.failure(.missing), of: request, nowMilliseconds: 0, chance: 0)
        machine.observe(Self.served, [:])
        machine.wish([])
        #expect(requests(&machine).isEmpty && machine.nextLook(nowMilliseconds: 0) == nil)
        #expect(machine.entries.isEmpty)
    }

    @Test("a refused right is asked for less and less")
    func forbidden() throws {
        var machine = machine("enabled", pod(nil, revision: 1))
        var now: Int64 = 0
        while now < 600_000 {
            for request in requests(&machine, at: now) {
                machine.take(.failure(.forbidden("no")), of: request, nowMilliseconds: now, chance: 0.5)
            }
            now += 100
        }
        let count = machine.writeCount + machine.readCount
        #expect(count > 3 && count < 60, "\(count)")
    }

    @Test("of a pod no more is kept than what is written")
    func kept() throws {
        let object = try DataTree.json(pod("enabled", revision: 1).json)
        let kept = ObservedObject(object, of: Self.served.kind)
        #expect(kept.annotations == [Self.name: "enabled"] && kept.status == [:])
        #expect(kept == ObservedObject(pod("enabled", revision: 1), of: Self.served.kind))
    }

    @Test("what was read of any kind comes into the world")
    func table() {
        var table = ObjectTable()
        func put(_ kind: String, _ fill: (inout ResourceSet) -> Void) {
            var contents = ResourceFile.Contents()
            fill(&contents.resources)
            for known in ResourceKind.all where known.kind == kind {
                _ = table.set(known, ["shop/a": StoredObject(contents)])
            }
        }
        let metadata = ResourceMetadata(name: "a", namespace: "shop")
        put("NetworkPolicy") { $0.networkPolicies = [NetworkPolicyResource(metadata: metadata)] }
        put("DestinationRule") { $0.destinationRules = [DestinationRuleResource(metadata: metadata)] }
        put("TrafficGuard") { $0.trafficGuards = [TrafficGuardResource(metadata: metadata)] }
        #expect(table.merge().resources.count == 3)
    }

    private struct Unexpected: Error {}
}
