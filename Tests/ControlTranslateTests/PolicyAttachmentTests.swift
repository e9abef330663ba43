import ControlTranslate
import MeshModel
import Testing

@Suite("What policies of waypoints are bound to")
struct PolicyAttachmentTests {
    private func attach(
        _ targets: [RequestPolicy.Target], in namespace: String = "shop"
    ) -> (bindings: [PolicyBinding]?, findings: [String]) {
        var policy = Make.policy(.deny, [AuthorizationPolicyResource.Rule()], namespace: namespace)
        policy.hasTargetReferences = true
        policy.targets = targets
        let world = Make.world { resources, _ in
            resources.authorizationPolicies = [policy]
            var service = ServiceResource(
                metadata: Make.metadata("web", labels: ["istio.io/use-waypoint": "gate"]))
            service.ports = []
            resources.services = [service, ServiceResource(metadata: Make.metadata("bare"))]
            var entry = ServiceEntryResource(
                metadata: Make.metadata("entry", labels: ["istio.io/use-waypoint": "gate"]))
            entry.hosts = ["a.example", "b.example"]
            resources.serviceEntries = [entry]
            for (name, className, place) in [
                ("gate", "istio-waypoint", "shop"), ("gate", "istio-waypoint", "else"),
                ("own", "apus-waypoint", "shop"), ("door", "istio", "shop"),
            ] {
                var gateway = GatewayResource(metadata: Make.metadata(name, place))
                gateway.className = className
                resources.gateways.append(gateway)
            }
        }
        let isTargeted = { (finding: Finding) in finding.message.hasPrefix("targets the ") }
        return (world.attachedPolicies.first?.bindings, world.findings.filter(isTargeted).map(\.message))
    }

    private static func waypoint(_ name: String, _ namespace: String = "shop") -> PolicyBinding {
        .waypoint(WaypointKey(namespace: namespace, name: name))
    }

    private static func service(_ hostname: String) -> PolicyBinding {
        .service(ServiceKey(namespace: "shop", hostname: hostname))
    }

    @Test("each kind of target is bound to its traffic")
    func kinds() {
        #expect(attach([.service("web")]) == ([Self.service("web.shop.svc.cluster.local")], []))
        #expect(attach([.serviceEntry("entry")]) == ([Self.service("a.example"), Self.service("b.example")], []))
        #expect(attach([.gateway("gate")]) == ([Self.waypoint("gate")], []))
        #expect(attach([.namespace]) == ([.waypoints(namespace: "shop")], []))
        #expect(
            attach([.gatewayClass("istio-waypoint")], in: "istio-system")
                == ([Self.waypoint("gate", "else"), Self.waypoint("gate")], []))
        #expect(attach([.gatewayClass("apus-waypoint")], in: "istio-system") == ([Self.waypoint("own")], []))
        #expect(attach([.gateway("gate"), .gateway("gate"), .service("web")]).bindings?.count == 2)
    }

    @Test("a target without a waypoint says so, and stays bound for the day it has one")
    func unbound() {
        let end = "; it is not enforced there"
        #expect(
            attach([.service("bare")])
                == ([Self.service("bare.shop.svc.cluster.local")], [
                    "targets the Service bare, which has no waypoint\(end)",
                ]))
        #expect(attach([.service("none")]).findings == ["targets the Service none, which does not exist\(end)"])
        #expect(attach([.serviceEntry("web")]).findings == ["targets the ServiceEntry web, which does not exist\(end)"])
        #expect(attach([.serviceEntry("web")]).bindings == nil)
        #expect(attach([.gateway("door")]).findings == ["targets the Gateway door, which is no waypoint here\(end)"])
        #expect(
            attach([.gatewayClass("istio")], in: "istio-system").findings
                == ["targets the GatewayClass istio, which no waypoint is of\(end)"])
        #expect(attach([.gatewayClass("istio-waypoint")]).bindings == nil)
    }
}
