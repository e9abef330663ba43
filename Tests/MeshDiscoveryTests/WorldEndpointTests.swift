import MeshDiscovery
import MeshModel
import Testing

@Suite("Endpoints and policies of the world")
struct WorldEndpointTests {
    private let key = ServiceKey(namespace: "ns", hostname: "h")

    private func member(_ name: String, status: WorkloadStatus = .healthy) throws -> Workload {
        try pod(name, at: ["10.0.0.1"]) {
            $0.status = status
            $0.services = [key: [ServicePort(servicePort: 80, targetPort: 9090)]]
        }
    }

    private func uids(_ world: World) -> Set<String> { Set(world.endpoints(of: key).map(\.workload.name)) }

    @Test("endpoints wait for a service that arrives after them")
    func staging() throws {
        var world = world(.upsertWorkload(try member("a")), .upsertWorkload(try member("b", status: .unhealthy)))
        #expect(uids(world).isEmpty)
        world.apply(.upsertService(try service("h")))
        #expect(uids(world) == ["a"])
        #expect(world.endpoint(of: key, uid: "c//Pod/ns/a")?.ports.first?.targetPort == 9090)
        #expect(world.endpoint(of: key, uid: "c//Pod/ns/b") == nil)
    }

    @Test("a service that allows all has unhealthy endpoints too, and loses them when it changes its mind")
    func healthPolicy() throws {
        var world = world(
            .upsertService(try service("h") { $0.loadBalancing.healthPolicy = .allowAll }),
            .upsertWorkload(try member("a")), .upsertWorkload(try member("b", status: .unhealthy)))
        #expect(uids(world) == ["a", "b"])
        world.apply(.upsertService(try service("h")))
        #expect(uids(world) == ["a"])
    }

    @Test("a workload that turns unhealthy stops being an endpoint, and starts again when healthy")
    func healthChange() throws {
        var world = world(.upsertService(try service("h")), .upsertWorkload(try member("a")))
        world.apply(.upsertWorkload(try member("a", status: .unhealthy)))
        #expect(uids(world).isEmpty)
        world.apply(.upsertWorkload(try member("a")))
        #expect(uids(world) == ["a"])
    }

    @Test("leaving a service or the mesh ends being an endpoint; a service's update keeps its endpoints")
    func leaving() throws {
        var world = world(
            .upsertService(try service("h")), .upsertWorkload(try member("a")), .upsertWorkload(try member("b")))
        world.apply(.upsertService(try service("h", at: ["10.96.0.1"])))
        #expect(uids(world) == ["a", "b"])
        world.apply(.upsertWorkload(try pod("a", at: ["10.0.0.1"])))
        #expect(uids(world) == ["b"])
        world.apply(.removeAddress(name: "c//Pod/ns/b"))
        #expect(uids(world).isEmpty)
        world.apply(.removeAddress(name: "ns/h"))
        world.apply(.removeAddress(name: "c//Pod/ns/a"))
        #expect(world.hasSameContent(as: World()))
    }

    @Test("a removal and an upsert of one name in one batch take effect in their order")
    func batchOrder() throws {
        var world = world(.upsertService(try service("h")), .upsertWorkload(try member("a")))
        let before = world.revision
        world.apply(contentsOf: [.removeAddress(name: "c//Pod/ns/a"), .upsertWorkload(try member("a"))])
        #expect(uids(world) == ["a"])
        #expect(world.revision == before + 1)
    }

    @Test("a snapshot stays what it was when the world goes on")
    func snapshots() throws {
        var world = world(.upsertService(try service("h")), .upsertWorkload(try member("a")))
        let snapshot = world
        world.apply(.removeAddress(name: "c//Pod/ns/a"))
        world.apply(.removeAddress(name: "ns/h"))
        #expect(uids(snapshot) == ["a"])
        #expect(snapshot.serviceCount == 1)
    }
}

@Suite("Which policies apply")
struct WorldPolicyTests {
    private func policy(
        _ name: String, namespace: String = "ns", scope: AuthorizationPolicy.Scope
    ) -> AuthorizationPolicy {
        AuthorizationPolicy(name: name, namespace: namespace, scope: scope, action: .deny, rules: [])
    }

    private func keys(_ world: World, _ workload: Workload) -> Set<String> {
        Set(world.policies(for: workload).policies.map(\.key))
    }

    @Test("policies for all, for the namespace, and those named apply; others do not")
    func scopes() throws {
        let world = world(
            .upsertPolicy(policy("all", namespace: "root", scope: .global)),
            .upsertPolicy(policy("mine", scope: .namespace)),
            .upsertPolicy(policy("theirs", namespace: "other", scope: .namespace)),
            .upsertPolicy(policy("named", scope: .workloadSelector)),
            .upsertPolicy(policy("unnamed", scope: .workloadSelector)))
        let web = try pod("web") { $0.authorizationPolicies = ["ns/named", "ns/mine"] }
        #expect(keys(world, web) == ["root/all", "ns/mine", "ns/named"])
        #expect(world.policies(for: web).policies.count == 3)
        #expect(world.policies(for: web).missing.isEmpty)
    }

    @Test("a named policy that never came is missing; one that was removed is not")
    func missing() throws {
        let web = try pod("web") { $0.authorizationPolicies = ["ns/late"] }
        var world = world(.upsertWorkload(web))
        #expect(world.policies(for: web).missing == ["ns/late"])
        world.apply(.upsertPolicy(policy("late", scope: .workloadSelector)))
        #expect(world.policies(for: web).missing.isEmpty)
        world.apply(.removePolicy(key: "ns/late"))
        #expect(world.policies(for: web) == ApplicablePolicies(policies: [], missing: []))
    }

    @Test("a refused policy counts as missing where it would apply, until it is understood or removed")
    func refused() throws {
        let web = try pod("web")
        let refused = RefusedPolicy(key: "ns/p", namespace: "ns", scope: .namespace)
        var world = world(.refusePolicy(refused))
        #expect(world.policies(for: web).missing == ["ns/p"])
        #expect(world.policies(for: try pod("x", namespace: "other")).missing.isEmpty)
        world.apply(.upsertPolicy(policy("p", scope: .namespace)))
        #expect(world.policies(for: web).missing.isEmpty)
        // What is in force stays in force.
        world.apply(.refusePolicy(refused))
        #expect(keys(world, web) == ["ns/p"])
        world.apply(.removePolicy(key: "ns/p"))
        world.apply(.refusePolicy(refused))
        world.apply(.removePolicy(key: "ns/p"))
        #expect(world.policies(for: web).missing.isEmpty)
    }

    @Test("a policy that changes its scope moves with it")
    func scopeChange() throws {
        let web = try pod("web")
        var world = world(.upsertPolicy(policy("p", scope: .namespace)))
        #expect(keys(world, web) == ["ns/p"])
        world.apply(.upsertPolicy(policy("p", scope: .workloadSelector)))
        #expect(keys(world, web).isEmpty)
        world.apply(.upsertPolicy(policy("p", scope: .global)))
        #expect(keys(world, try pod("x", namespace: "other")) == ["ns/p"])
        world.apply(.removePolicy(key: "ns/p"))
        #expect(world.policyCount == 0)
    }

    @Test("the policy revision moves with policies and with workloads' lists, not with other changes")
    func revisions() throws {
        var world = world(.upsertWorkload(try pod("web")))
        var last = world.policyRevision
        world.apply(.upsertWorkload(try pod("web", at: ["10.0.0.1"])))
        world.apply(.upsertService(try service("h")))
        #expect(world.policyRevision == last)
        world.apply(.upsertWorkload(try pod("web") { $0.authorizationPolicies = ["ns/p"] }))
        #expect(world.policyRevision == last + 1)
        last = world.policyRevision
        world.apply(.upsertPolicy(policy("p", scope: .workloadSelector)))
        #expect(world.policyRevision == last + 1)
        world.apply(.upsertPolicy(policy("p", scope: .workloadSelector)))
        #expect(world.policyRevision == last + 1)
    }
}
