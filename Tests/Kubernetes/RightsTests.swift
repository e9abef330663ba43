import Foundation
import MeshTesting
import Testing

/// What the roles of deploy/ grant, and what is used of it.
@Suite("Rights at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct RightsTests {
    private static let kinds: [(group: String, plural: String, kind: String)] = [
        ("gateway.networking.k8s.io", "gateways", "Gateway"), ("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
        ("gateway.networking.k8s.io", "grpcroutes", "GRPCRoute"),
        ("gateway.networking.k8s.io", "tcproutes", "TCPRoute"), ("gateway.networking.k8s.io", "tlsroutes", "TLSRoute"),
        ("gateway.networking.k8s.io", "referencegrants", "ReferenceGrant"),
        ("networking.istio.io", "destinationrules", "DestinationRule"),
        ("networking.istio.io", "serviceentries", "ServiceEntry"),
        ("networking.istio.io", "workloadentries", "WorkloadEntry"),
        ("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"),
        ("security.istio.io", "peerauthentications", "PeerAuthentication"),
        ("security.istio.io", "requestauthentications", "RequestAuthentication"),
    ]

    /// What is used when a node has captured a pod; there is none here, and RedirectionTests has one.
    private static let nodeRights: Set = [Right(verb: "get", resource: "pods"), Right(verb: "patch", resource: "pods")]

    private static let account = "system:serviceaccount:apus-system:apusd"

    /// What a request used, as the audit log has it; `nil` for pages that are no resources.
    private struct Request {
        let right: Right
        let status: Double?
        let line: String

        init?(_ line: Substring) throws {
            let event = try ObjectTree(json: String(line))
            guard event["user", "username"]?.text == RightsTests.account, let object = event["objectRef"],
                let plural = object["resource"]?.text, let verb = event["verb"]?.text
            else { return nil }
            let path = object["subresource"]?.text.map { "\(plural)/\($0)" } ?? plural
            right = Right(
                verb: verb, resource: Right.resource(path, object["apiGroup"]?.text ?? ""),
                name: object["name"]?.text, namespace: object["namespace"]?.text)
            guard case .number(let code) = event["responseStatus", "code"] else { return nil }
            status = code
            self.line = String(line)
        }

        /// A grant may be wider than a request: for any name, or in all namespaces. What is applied and was not there
        /// is judged as made too.
        func uses(_ grant: Right) -> Bool {
            let verbs = right.verb == "patch" && status == 201 ? ["patch", "create"] : [right.verb]
            return verbs.contains(grant.verb) && grant.resource == right.resource
                && (grant.name == nil || grant.name == right.name)
                && (grant.namespace == nil || grant.namespace == right.namespace)
        }
    }

    private func requests(_ server: APIServer) throws -> [Request] {
        // The last line may not be whole yet.
        let text = server.log("audit")
        let whole = text.lastIndex(of: "\n").map { text[..<$0] } ?? ""
        return try whole.split(separator: "\n").compactMap { try Request($0) }
    }

    private func install(_ server: APIServer) async throws -> Manifests {
        let manifests = try await Manifests(overlay: "minimal")
        for object in manifests.objects { try await server.must("POST", object.path, try object.value.json()) }
        return manifests
    }

    @Test("apusd is refused nothing, and every right that it has is used", .timeLimit(.minutes(5)))
    func used() async throws {
        let server = try await APIServer(auditing: true)
        let manifests = try await install(server)
        for kind in Self.kinds { try await server.define(kind.group, kind.plural, kind.kind, version: "v1") }
        let control = try await InstalledControlPlane(server, manifests)
        try await control.until("every kind is watched", "/debug/kubernetes") { page in
            ["unknown", "off", "listing", "waiting"].allSatisfy { !page.contains("\"state\" : \"\($0)\"") }
                && page.contains("\"state\" : \"watching\"")
        }
        let granted = manifests.rights(of: "apusd").subtracting(Self.nodeRights)
        #expect(granted.count >= 80)
        let user = RightsUser(server, control)
        try await user.ask()
        try await user.addWaypoint()
        try await user.until("every status is written, and read again", seconds: 120) {
            let requests = try requests(server)
            let missing = granted.filter { grant in
                // A watch is written down when it ends.
                grant.verb != "watch" && RightsUser.hasStatus(grant.resource)
                    && !requests.contains { $0.uses(grant) }
            }
            if !missing.isEmpty { try await user.disturb(missing.map(\.resource)) }
            return missing.isEmpty
        }
        try await user.removeOptions()
        await control.stop()
        var unused = granted
        do {
            try await Wait.eventually("every right is used", seconds: 20, everyMilliseconds: 200) {
                let requests = try requests(server)
                unused = granted.filter { grant in !requests.contains { $0.uses(grant) } }
                return unused.isEmpty
            }
        } catch {
            Issue.record("granted and not used, take them out of the roles: \(unused.sorted())")
        }
        let refused = try requests(server).filter { $0.status == 403 }
        #expect(refused.isEmpty, "used and not granted: \(Set(refused.map(\.right)).sorted())")
        await server.stop()
    }

    @Test("an account without its role is refused, and that is seen", .timeLimit(.minutes(5)))
    func refused() async throws {
        let server = try await APIServer(auditing: true)
        let manifests = try await install(server)
        for object in manifests.objects where object.kind == "ClusterRoleBinding" {
            try await server.must("DELETE", "\(object.path)/\(object.value["metadata", "name"]?.text ?? "")")
        }
        let control = try await InstalledControlPlane(server, manifests)
        try await Wait.eventually("a refusal", seconds: 60, everyMilliseconds: 200) {
            try requests(server).contains { $0.status == 403 && $0.right.resource == "pods" }
        }
        #expect(try await control.page("/healthz/ready") != "ready\n")
        await control.stop()
        await server.stop()
    }

    @Test("the node daemon has no rights", .timeLimit(.minutes(1)))
    func node() async throws {
        for overlay in ["base", "minimal", "monitoring", "istio-cni"] {
            #expect(try await Manifests(overlay: overlay).rights(of: "ztunnel").isEmpty)
        }
    }
}
