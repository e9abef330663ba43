import Foundation
import MeshTesting
import Testing

/// apusd and a real API server.
@Suite("A real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct ClusterTests {
    private let pods = "/api/v1/namespaces/shop/pods"

    private func addNamespace(_ server: APIServer) async throws {
        try await server.must(
            "POST", "/api/v1/namespaces",
            #"{"metadata":{"name":"shop","labels":{"istio.io/dataplane-mode":"ambient"}}}"#)
    }

    private func addPod(_ server: APIServer, _ name: String, _ address: String) async throws {
        try await server.must(
            "POST", pods,
            """
            {"metadata":{"name":"\(name)","labels":{"app":"web"}},"spec":{"nodeName":"node1",\
            "serviceAccountName":"web","containers":[{"name":"a","image":"a",\
            "ports":[{"name":"http","containerPort":80}]}]}}
            """)
        // As the node's kubelet would.
        try await server.must(
            "PATCH", "\(pods)/\(name)/status",
            """
            {"status":{"phase":"Running","podIP":"\(address)","podIPs":[{"ip":"\(address)"}],\
            "conditions":[{"type":"Ready","status":"True"}]}}
            """, type: "application/merge-patch+json")
    }

    @Test("pods, services and their slices come and go", .timeLimit(.minutes(5)))
    func objects() async throws {
        let server = try await APIServer()
        let control = try ControlPlane(server)
        try await control.until("ready", "/healthz/ready") { $0 == "ready\n" }
        try await addNamespace(server)
        try await addPod(server, "web-1", "10.244.0.5")
        try await server.must(
            "POST", "/api/v1/namespaces/shop/services",
            """
            {"metadata":{"name":"web"},"spec":{"clusterIP":"10.96.0.50","selector":{"app":"web"},\
            "ports":[{"name":"http","port":80,"targetPort":"http"}]}}
            """)
        try await server.must(
            "POST", "/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices",
            """
            {"metadata":{"name":"web-1","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4",\
            "ports":[{"name":"http","port":80}],"endpoints":[{"addresses":["10.244.0.5"],"conditions":{"ready":true},\
            "targetRef":{"kind":"Pod","name":"web-1","namespace":"shop"}}]}
            """)
        try await control.until("the pod and its service", "/debug/world") { world in
            ["\"name\" : \"web-1\"", "10.244.0.5", "10.96.0.50", "\"pod\" : \"shop/web-1\"", "shop/web.shop.svc"]
                .allSatisfy { world.contains($0) }
        }
        #expect(try await control.page("/debug/findings") == "[\n\n]\n")
        try await server.must("DELETE", "\(pods)/web-1?gracePeriodSeconds=0")
        try await control.until("no pod", "/debug/world") { !$0.contains("web-1") && $0.contains("10.96.0.50") }
        await control.stop()
        await server.stop()
    }

    @Test("kinds that are installed later are picked up, and given up when they go", .timeLimit(.minutes(5)))
    func kinds() async throws {
        let server = try await APIServer()
        let control = try ControlPlane(server)
        try await control.until("ready", "/healthz/ready") { $0 == "ready\n" }
        let off = try await control.page("/debug/kubernetes")
        #expect(off.contains("gateways.gateway.networking.k8s.io") && off.contains("\"state\" : \"off\""))
        try await addNamespace(server)
        let definitions = APIServer.definitions
        try await server.must(
            "POST", definitions, APIServer.definition("gateway.networking.k8s.io", "httproutes", "HTTPRoute"))
        try await server.must(
            "POST", definitions,
            APIServer.definition("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"))
        let policies = "/apis/security.istio.io/v1beta1/namespaces/shop/authorizationpolicies"
        try await Wait.eventually("the kind", seconds: 30, everyMilliseconds: 200) {
            try await server.call(
                "POST", policies,
                """
                {"apiVersion":"security.istio.io/v1beta1","kind":"AuthorizationPolicy","metadata":{"name":"none"},\
                "spec":{"action":"ALLOW"},"typo":1}
                """).status == 201
        }
        try await control.until("the policy", "/debug/world") { $0.contains("\"key\" : \"shop/none\"") }
        try await control.until("the finding", "/debug/findings") { $0.contains("typo") }
        try await server.must("DELETE", "\(definitions)/authorizationpolicies.security.istio.io")
        try await control.until("no policy", "/debug/world") { !$0.contains("shop/none") }
        await control.stop()
        await server.stop()
    }

    @Test(
        "an API server that is away takes nothing out of force, and what changed is caught up", .timeLimit(.minutes(5)))
    func outage() async throws {
        let server = try await APIServer()
        try await addNamespace(server)
        try await addPod(server, "web-1", "10.244.0.5")
        let control = try ControlPlane(server)
        try await control.until("the pod", "/debug/world") { $0.contains("web-1") }
        await server.stop()
        try await control.until("trouble", "/debug/kubernetes") { $0.contains("\"trouble\"") }
        #expect(try await control.page("/debug/world").contains("web-1"))
        #expect(try await control.page("/healthz/ready") == "ready\n")
        try await server.start()
        try await addPod(server, "web-2", "10.244.0.6")
        try await control.until("the second pod", "/debug/world", seconds: 90) {
            $0.contains("web-1") && $0.contains("web-2")
        }
        try await control.until("no trouble", "/debug/kubernetes", seconds: 90) { !$0.contains("\"trouble\"") }
        #expect(control.isRunning)
        await control.stop()
        await server.stop()
    }
}
