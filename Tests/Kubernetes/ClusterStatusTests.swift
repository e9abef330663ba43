import Foundation
import MeshTesting
import Testing

/// Statuses that apusd writes to a real API server.
@Suite("Statuses at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct ClusterStatusTests {
    private static let services = "/api/v1/namespaces/shop/services"
    private static let pods = "/api/v1/namespaces/shop/pods"
    private static let gateway = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/shop/gateways"
    private static let routes = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/shop/httproutes"
    private static let policies = "/apis/security.istio.io/v1beta1/namespaces/shop/authorizationpolicies"
    private static let written = [
        "\(services)/web", "\(gateway)/waypoint", "\(routes)/web", "\(policies)/bound", "\(policies)/node",
    ]

    private func addService(_ server: APIServer, _ name: String) async throws {
        try await server.must(
            "POST", Self.services,
            """
            {"metadata":{"name":"\(name)","labels":{"istio.io/use-waypoint":"waypoint"}},\
            "spec":{"selector":{"app":"\(name)"},"ports":[{"name":"http","port":80}]}}
            """)
    }

    private func addObjects(_ server: APIServer) async throws {
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        try await server.define("gateway.networking.k8s.io", "gateways", "Gateway")
        try await server.define("gateway.networking.k8s.io", "httproutes", "HTTPRoute")
        try await server.define("security.istio.io", "authorizationpolicies", "AuthorizationPolicy")
        try await addService(server, "web")
        try await server.must(
            "POST", Self.gateway,
            """
            {"apiVersion":"gateway.networking.k8s.io/v1beta1","kind":"Gateway","metadata":{"name":"waypoint"},\
            "spec":{"gatewayClassName":"istio-waypoint",\
            "listeners":[{"name":"mesh","port":15008,"protocol":"HBONE"}]}}
            """)
        try await server.must(
            "POST", Self.routes,
            """
            {"apiVersion":"gateway.networking.k8s.io/v1beta1","kind":"HTTPRoute","metadata":{"name":"web"},\
            "spec":{"parentRefs":[{"group":"","kind":"Service","name":"web"}],\
            "rules":[{"backendRefs":[{"name":"web","port":80}]}]}}
            """)
        for (name, spec) in [
            ("bound", #""targetRefs":[{"group":"","kind":"Service","name":"web"}]"#),
            ("node", #""selector":{"matchLabels":{"app":"web"}},"rules":[{"to":[{"operation":{"paths":["/a"]}}]}]"#),
        ] {
            try await server.must(
                "POST", Self.policies,
                """
                {"apiVersion":"security.istio.io/v1beta1","kind":"AuthorizationPolicy",\
                "metadata":{"name":"\(name)"},"spec":{\(spec)}}
                """)
        }
    }

    /// A waypoint's pod as its Deployment and its kubelet would have it.
    private func addWaypointPod(_ server: APIServer) async throws {
        try await server.must(
            "POST", Self.pods,
            """
            {"metadata":{"name":"waypoint-1","labels":{"gateway.networking.k8s.io/gateway-name":"waypoint"}},\
            "spec":{"nodeName":"node1","serviceAccountName":"waypoint","containers":[{"name":"a","image":"a"}]}}
            """)
        try await server.must(
            "PATCH", "\(Self.pods)/waypoint-1/status",
            """
            {"status":{"phase":"Running","podIP":"10.244.0.9","podIPs":[{"ip":"10.244.0.9"}],\
            "conditions":[{"type":"Ready","status":"True"}]}}
            """, type: "application/merge-patch+json")
    }

    private func until(
        _ server: APIServer, _ object: String, _ parts: [String], _ control: ControlPlane,
        at path: String = "status/conditions"
    ) async throws {
        var last = ""
        do {
            try await Wait.eventually("\(object) \(path)", seconds: 60, everyMilliseconds: 100) {
                last = try await server.value(object, path)
                return parts.allSatisfy(last.contains)
            }
        } catch {
            throw APIServer.Missing(
                description: "\(error); \(object): expected \(parts), found \(last); log: \(control.log.suffix(3000))")
        }
    }

    @Test("conditions come, follow what happens, and are repaired; nothing is written twice", .timeLimit(.minutes(5)))
    func statuses() async throws {
        let server = try await APIServer()
        try await addObjects(server)
        let control = try ControlPlane(server)
        let service = "\(Self.services)/web"
        try await until(server, service, [#""type":"istio.io/WaypointBound""#, "WaypointIsNotReady"], control)
        try await until(server, "\(Self.gateway)/waypoint", [#""reason":"Pending""#, #""type":"Programmed""#], control)
        try await addWaypointPod(server)
        try await until(server, service, ["WaypointAccepted", #""status":"True""#], control)
        try await until(
            server, "\(Self.gateway)/waypoint", [#""reason":"Programmed""#, #""observedGeneration":1"#], control)
        try await until(
            server, "\(Self.routes)/web",
            [#""controllerName":"istio.io/gateway-controller""#, #""type":"Accepted""#, #""kind":"Service""#], control,
            at: "status/parents")
        try await until(
            server, "\(Self.policies)/bound", [#""type":"WaypointAccepted""#, #""reason":"Accepted""#], control)
        try await until(
            server, "\(Self.policies)/node", [#""type":"ZtunnelAccepted""#, "UnsupportedValue"], control)

        try await server.must(
            "PATCH", "\(service)/status",
            """
            {"status":{"conditions":[{"type":"Other","status":"True","reason":"Other","message":"",\
            "lastTransitionTime":"2024-01-01T00:00:00Z"}]}}
            """, type: "application/merge-patch+json")
        try await until(server, service, [#""type":"Other""#, "WaypointAccepted"], control)
        await control.stop()

        var versions: [String] = []
        for path in Self.written { versions.append(try await server.value(path, "metadata/resourceVersion")) }
        let second = try ControlPlane(server)
        try await addService(server, "api")
        try await until(server, "\(Self.services)/api", ["WaypointAccepted"], second)
        for (path, version) in zip(Self.written.dropFirst(2), versions.dropFirst(2)) {
            #expect(try await server.value(path, "metadata/resourceVersion") == version, "\(path) was written again")
        }
        #expect(try await server.value(service, "metadata/resourceVersion") == versions[0])
        try await server.must(
            "PATCH", service, #"{"metadata":{"labels":{"istio.io/use-waypoint":null}}}"#,
            type: "application/merge-patch+json")
        try await Wait.eventually("no condition", seconds: 60, everyMilliseconds: 100) {
            try await !server.value(service, "status/conditions").contains("WaypointBound")
        }
        #expect(try await server.value(service, "status/conditions").contains("Other"))
        await second.stop()
        await server.stop()
    }
}
