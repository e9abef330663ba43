import ControlTranslate
import MeshTesting
import Testing

@testable import ControlKubernetes

/// Which kinds are read, of a server that has them or not.
@Suite("Kinds of a Kubernetes source")
struct SourceKindTests {
    @Test("a kind that is installed later is picked up; one that is gone takes its objects along, but not at once")
    func kinds() async throws {
        let gate = Stage()
        try await SourceRig.with { request in
            switch request.plainPath {
            case "/apis":
                let istio = ["discovery.k8s.io": "v1", "security.istio.io": "v1"]
                return gate.value == 1 ? FakeCluster.groups(istio) : nil
            case "/apis/security.istio.io/v1": return FakeCluster.resources(["authorizationpolicies"])
            case "/apis/security.istio.io/v1/authorizationpolicies" where !request.isWatch:
                return FakeCluster.list(["{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\"},\"spec\":{}}"])
            default: return nil
            }
        } _: { rig, _ in
            let name = "authorizationpolicies.security.istio.io"
            try await rig.untilPods(["one"])
            #expect(rig.status(name)?.state == .off)
            gate.set(1)
            try await rig.until("the policy") { rig.told.last?.resources.authorizationPolicies.count == 1 }
            #expect(rig.status(name)?.state == .watching)
            gate.set(2)
            try await rig.until("the kind is off") { rig.status(name)?.state == .off }
            try await rig.until("no policy") { rig.told.last?.resources.authorizationPolicies.isEmpty == true }
        }
    }

    @Test("a server that has not loaded its kinds is not believed")
    func notReady() async throws {
        try await SourceRig.with { request in
            request.plainPath == "/readyz" && request.number < 3 ? .refused(500) : nil
        } _: { rig, server in
            try await rig.untilPods(["one"])
            let first = try #require(server.requests.firstIndex { $0.plainPath == "/apis" })
            #expect(server.requests[..<first].count { $0.plainPath == "/readyz" } == 4)
        }
    }
}

