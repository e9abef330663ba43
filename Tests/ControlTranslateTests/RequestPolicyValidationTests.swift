import ControlTranslate
import MeshModel
import Testing

@Suite("Validation of waypoints' policies")
struct RequestPolicyValidationTests {
    typealias Resource = AuthorizationPolicyResource
    typealias Term = RequestPolicy.Term

    @Test("CUSTOM needs a provider and rules, and may not look at a token")
    func custom() {
        let rule = operation { $0.paths = Make.values(["/admin*"]) }
        #expect(translate(.custom, [rule]).0?.action == .custom(provider: "opa"))
        let (unnamed, findings) = translate(.custom, [rule]) { $0.provider = nil }
        #expect(unnamed?.action == .custom(provider: "") && findings.map(\.severity) == [.error])
        #expect(translate(.custom, []).1.map(\.severity) == [.warning])
        let token = source { $0.requestPrincipals = Make.values(["*"]) }
        let (asking, tokenFindings) = translate(.custom, [token])
        #expect(asking?.rules == [.everything] && tokenFindings.map(\.severity) == [.error])
        let identity = source { $0.principals = Make.values(["*"]) }
        #expect(translate(.custom, [identity]).1.map(\.severity) == [.warning])
        #expect(terms(translate(.custom, [identity]).0) == [[Term(.principals([.presence]))]])
    }

    @Test("dry run is for ALLOW and DENY")
    func dryRun() {
        let fill = { (resource: inout Resource) in resource.metadata.annotations["istio.io/dry-run"] = "true" }
        let rule = operation { $0.methods = Make.values(["GET"]) }
        for action in [Resource.Action.allow, .deny] {
            #expect(translate(action, [rule], fill).0?.isDryRun == true)
        }
        for action in [Resource.Action.audit, .custom] {
            let (policy, findings) = translate(action, [rule], fill)
            #expect(policy?.isDryRun == false && findings.map(\.severity) == [.error])
        }
        let node = Make.world { resources, _ in
            var policy = Make.policy(.custom, [Resource.Rule()])
            policy.metadata.annotations["istio.io/dry-run"] = "true"
            resources.authorizationPolicies = [policy]
        }
        #expect(node.policies.first?.isDryRun == false, "a DENY that stands for CUSTOM is enforced")
        let odd = translate(.allow, [rule]) { $0.metadata.annotations["istio.io/dry-run"] = "yes" }
        #expect(odd.0?.isDryRun == false && odd.1.map(\.severity) == [.error])
    }

    @Test("warnings: DENY of HTTP attributes only, DENY without rules, what Istio refuses beside each other")
    func warnings() {
        let path = operation { $0.paths = Make.values(["/a"]) }
        #expect(translate(.deny, [path]).1.map(\.severity) == [.warning])
        let withPort = operation {
            $0.paths = Make.values(["/a"])
            $0.ports = Make.values(["80"])
        }
        #expect(translate(.deny, [withPort]).1.isEmpty)
        #expect(translate(.deny, []).1.map(\.severity) == [.warning])
        #expect(translate(.allow, []).1.isEmpty)
        let accounts = source {
            $0.serviceAccounts = Make.values(["web"])
            $0.namespaces = Make.values(["shop"])
        }
        let (policy, findings) = translate(.allow, [accounts])
        #expect(findings.map(\.severity) == [.warning] && terms(policy)?.first?.count == 2)
        let many = source { $0.serviceAccounts = Make.values((0...16).map { "sa\($0)" }) }
        #expect(translate(.allow, [many]).1.map(\.severity) == [.warning])
    }

    @Test("a GatewayClass is a target for policies of the root namespace only")
    func gatewayClass() {
        let targets = { (resource: inout Resource) in resource.targets = [.gatewayClass("istio-waypoint")] }
        let (nowhere, findings) = translate(.deny, [source { $0.principals = Make.values(["*"]) }], targets)
        #expect(nowhere == nil && findings.map(\.severity) == [.error])
        let both = translate(.allow, [Resource.Rule()]) {
            $0.targets = [.gatewayClass("istio-waypoint"), .service("a"), .service("a")]
        }
        #expect(both.0?.targets == [.service("a")])
        let root = translate(.allow, [Resource.Rule()], targets, settings: { $0.rootNamespace = "shop" })
        #expect(root.0?.targets == [.gatewayClass("istio-waypoint")] && root.1.map(\.severity) == [.warning])
    }

    @Test("selector policies are none of a waypoint")
    func selectors() {
        let world = Make.world { resources, _ in
            var both = Make.policy(.deny, [Resource.Rule()], selector: ["app": "web"])
            both.hasTargetReferences = true
            both.targets = [.service("web")]
            resources.authorizationPolicies = [both, Make.policy(.deny, [Resource.Rule()])]
        }
        #expect(world.requestPolicies.isEmpty && world.policies.count == 2)
    }
}
