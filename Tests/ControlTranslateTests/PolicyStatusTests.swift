import ControlTranslate
import MeshModel
import Testing

@Suite("What authors of policies are told")
struct PolicyStatusTests {
    private func status(
        _ targets: [RequestPolicy.Target], _ change: (inout AuthorizationPolicyResource) -> Void = { _ in }
    ) throws -> PolicyStatus {
        var policy = Make.policy(.deny, [AuthorizationPolicyResource.Rule()], namespace: "shop")
        policy.hasTargetReferences = !targets.isEmpty
        policy.targets = targets
        change(&policy)
        let world = Make.world { resources, _ in
            resources.authorizationPolicies = [policy]
            resources.services = [
                ServiceResource(metadata: Make.metadata("web", labels: ["istio.io/use-waypoint": "gate"])),
                ServiceResource(metadata: Make.metadata("bare")),
            ]
            var gateway = GatewayResource(metadata: Make.metadata("gate", "shop"))
            gateway.className = "istio-waypoint"
            resources.gateways = [gateway]
        }
        return try #require(world.policyStatuses.first)
    }

    @Test("a policy of a waypoint says which of its targets it is bound to")
    func targets() throws {
        let cases: [([RequestPolicy.Target], PolicyStatus.Reason, Bool)] = [
            ([.service("web")], .accepted, true),
            ([.service("bare")], .ancestorNotBound, false),
            ([.service("nowhere")], .targetNotFound, false),
            ([.gateway("nowhere")], .targetNotFound, false),
            ([.service("web"), .service("nowhere")], .partiallyInvalid, true),
        ]
        for (targets, reason, isTrue) in cases {
            let status = try status(targets)
            #expect(status.kind == .waypoint && status.reason == reason && status.isTrue == isTrue, "\(targets)")
            #expect(status.message.isEmpty == (reason == .accepted))
        }
    }

    @Test("a policy of nodes says what of it nodes cannot judge")
    func nodes() throws {
        #expect(try status([]).kind == .node)
        #expect(try status([]).reason == .accepted)
        let http = try status([]) { policy in
            var rule = AuthorizationPolicyResource.Rule()
            var operation = AuthorizationPolicyResource.Operation()
            operation.paths = Make.values(["/a"])
            rule.to = [operation]
            policy.rules = [rule]
        }
        #expect(http.reason == .unsupportedValue && !http.isTrue && !http.message.isEmpty)
        #expect(try status([]) { $0.action = .audit }.reason == .unsupportedValue)
    }
}
