import Foundation
import MeshTesting

/// Makes an apusd do everything that it has rights for.
struct RightsUser {
    private static let namespace = "/api/v1/namespaces/shop"
    private static let optional = [
        "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/waypoint",
        "/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets/waypoint",
    ]
    private static let gateways = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways"
    private static let patch = "application/merge-patch+json"

    /// What has a status of ours, by its resource: where it lies, and an object of it.
    private static let judged: [String: (list: String, object: String)] = {
        var judged = [
            "services": (
                "\(namespace)/services",
                #"{"metadata":{"name":"web","labels":{"istio.io/use-waypoint":"waypoint"}},"#
                    + #""spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80}]}}"#
            ),
            "gateways.gateway.networking.k8s.io": (
                gateways,
                object(
                    "gateway.networking.k8s.io/v1", "Gateway", "waypoint",
                    #""gatewayClassName":"istio-waypoint","#
                        + #""infrastructure":{"parametersRef":{"group":"","kind":"ConfigMap","name":"options"}},"#
                        + #""listeners":[{"name":"mesh","port":15008,"protocol":"HBONE"}]"#)
            ),
            "serviceentries.networking.istio.io": (
                "/apis/networking.istio.io/v1/namespaces/shop/serviceentries",
                object(
                    "networking.istio.io/v1", "ServiceEntry", "web",
                    #""hosts":["web.example"],"location":"MESH_EXTERNAL","resolution":"STATIC","#
                        + #""ports":[{"number":80,"name":"http","protocol":"HTTP"}],"#
                        + #""endpoints":[{"address":"192.0.2.7"}]"#,
                    labels: #"{"istio.io/use-waypoint":"waypoint"}"#)
            ),
            "authorizationpolicies.security.istio.io": (
                "/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies",
                object(
                    "security.istio.io/v1", "AuthorizationPolicy", "web",
                    #""targetRefs":[{"group":"","kind":"Service","name":"web"}]"#)
            ),
        ]
        for kind in ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"] {
            let plural = "\(kind.lowercased())s"
            judged["\(plural).gateway.networking.k8s.io"] = (
                "/apis/gateway.networking.k8s.io/v1/namespaces/shop/\(plural)",
                object(
                    "gateway.networking.k8s.io/v1", kind, "web",
                    #""parentRefs":[{"group":"","kind":"Service","name":"web"}],"#
                        + #""rules":[{"backendRefs":[{"name":"web","port":80}]}]"#)
            )
        }
        return judged
    }()

    private let server: APIServer
    private let control: InstalledControlPlane

    init(_ server: APIServer, _ control: InstalledControlPlane) {
        self.server = server
        self.control = control
    }

    private static func object(
        _ version: String, _ kind: String, _ name: String, _ spec: String, labels: String = "{}"
    ) -> String {
        #"{"apiVersion":"\#(version)","kind":"\#(kind)","metadata":{"name":"\#(name)","labels":\#(labels)},"#
            + #""spec":{\#(spec)}}"#
    }

    /// Whether the right is one on what has a status of ours, to read it or to write the status.
    static func hasStatus(_ resource: String) -> Bool { judged[resource.replacing("/status", with: "")] != nil }

    func until(_ subject: String, seconds: Double = 60, _ condition: () async throws -> Bool) async throws {
        do {
            try await Wait.eventually(subject, seconds: seconds, everyMilliseconds: 100) { try await condition() }
        } catch {
            throw APIServer.Missing(description: "\(error); log: \(control.log.suffix(3000))")
        }
    }

    /// A pod asks for its certificate by its token, and finds the roots in its namespace.
    func ask() async throws {
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        try await server.must("POST", "\(Self.namespace)/serviceaccounts", #"{"metadata":{"name":"web"}}"#)
        let accounts = AccountMaker(server)
        try await accounts.addPod("shop", "web-1", "web", node: "node1", address: "10.244.0.5")
        try await control.until("the pod", "/debug/world") { $0.contains("web-1") }
        let caller = try CertificateCaller(server, roots: control.rootsPath, host: "apusd.apus-system.svc")
        let token = try await accounts.token("shop", "web", pod: "web-1")
        let answer = try await caller.ask(token, nil)
        guard answer.status == 0 else { throw APIServer.Missing(description: "no certificate: \(answer)") }
        try await until("the roots") {
            try await server.call("GET", "\(Self.namespace)/configmaps/istio-ca-root-cert").status == 200
        }
    }

    /// A Gateway that asks for all that waypoints can have, and everything that is judged.
    func addWaypoint() async throws {
        try await server.must(
            "POST", "\(Self.namespace)/configmaps",
            """
            {"metadata":{"name":"options"},"data":{"deployment":"spec: {replicas: 2}",\
            "horizontalPodAutoscaler":"spec: {maxReplicas: 3}","podDisruptionBudget":"spec: {minAvailable: 1}"}}
            """)
        for (list, object) in Self.judged.values { try await server.must("POST", list, object) }
        try await untilOptional(are: 200)
        try await until("the Deployment") {
            let path = "/apis/apps/v1/namespaces/shop/deployments/waypoint"
            return try await server.call("GET", path).text.contains("apus/waypoint:")
        }
    }

    /// The Gateway does not ask for an autoscaler and a budget any more.
    func removeOptions() async throws {
        try await server.must(
            "PATCH", "\(Self.gateways)/waypoint", #"{"spec":{"infrastructure":null}}"#, type: Self.patch)
        try await untilOptional(are: 404)
    }

    private func untilOptional(are status: Int) async throws {
        for path in Self.optional {
            try await until("\(status) for \(path)") { try await server.call("GET", path).status == status }
        }
    }

    /// Changes one object of each resource again and again, so that what apusd writes comes too late now and then:
    /// then it has to read.
    func disturb(_ resources: [String]) async throws {
        let folder = server.directory.path
        let network = server.namespace.name
        let lists = Set(resources.compactMap { Self.judged[$0.replacing("/status", with: "")]?.list })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for list in lists {
                let url = "https://127.0.0.1:6443\(list)/\(list == Self.gateways ? "waypoint" : "web")"
                var command = ["ip", "netns", "exec", network, "curl", "-sS", "-o", "/dev/null"]
                for number in 0..<40 {
                    let waypoint = number % 2 == 0 ? "null" : #""waypoint""#
                    command += (number == 0 ? [] : ["--next", "-sS", "-o", "/dev/null"]) + [
                        "--max-time", "10", "--cacert", "\(folder)/ca.pem", "-H",
                        "Authorization: Bearer \(APIServer.token)", "-H", "Content-Type: \(Self.patch)", "-X", "PATCH",
                        "--data-binary",
                        #"{"metadata":{"labels":{"istio.io/use-waypoint":\#(waypoint)}},"spec":{"n":\#(number)}}"#, url,
                    ]
                }
                group.addTask { [command] in _ = try await offload { try Shell.run(command) } }
            }
            try await group.waitForAll()
        }
    }
}
