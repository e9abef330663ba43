import Foundation
import MeshTesting
import Testing

/// Waypoints that apusd makes into Deployments, and `apus waypoint` on a cluster.
@Suite("Waypoints at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct ClusterWaypointTests {
    private static let namespace = "/api/v1/namespaces/shop"
    private static let deployment = "/apis/apps/v1/namespaces/shop/deployments/waypoint"
    private static let service = "\(namespace)/services/waypoint"
    private static let account = "\(namespace)/serviceaccounts/waypoint"
    private static let scaler = "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/waypoint"
    private static let budget = "/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets/waypoint"
    private static let gateway = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/shop/gateways/waypoint"

    /// `apus waypoint ...` beside the API server.
    private func apus(_ server: APIServer, _ words: [String]) async throws -> (status: Int32, output: String) {
        let command = [
            "ip", "netns", "exec", server.namespace.name, try MeshPrograms().apus, "waypoint",
        ] + words + ["--kubeconfig", try server.writeKubeconfig()]
        return try await offload { try Shell.runAnyStatus(command) }
    }

    private func until(
        _ subject: String, _ control: ControlPlane, _ condition: () async throws -> Bool
    ) async throws {
        do {
            try await Wait.eventually(subject, seconds: 60, everyMilliseconds: 200) { try await condition() }
        } catch {
            throw APIServer.Missing(description: "\(error); log: \(control.log.suffix(3000))")
        }
    }

    /// As the Deployment's controllers and a kubelet would.
    private func addReadyPod(_ server: APIServer) async throws {
        try await server.must(
            "POST", "\(Self.namespace)/pods",
            """
            {"metadata":{"name":"waypoint-1","labels":{"gateway.networking.k8s.io/gateway-name":"waypoint"}},\
            "spec":{"nodeName":"node1","serviceAccountName":"waypoint","containers":[{"name":"a","image":"a"}]}}
            """)
        try await server.must(
            "PATCH", "\(Self.namespace)/pods/waypoint-1/status",
            """
            {"status":{"phase":"Running","podIP":"10.244.0.9","podIPs":[{"ip":"10.244.0.9"}],\
            "conditions":[{"type":"Ready","status":"True"}]}}
            """, type: "application/merge-patch+json")
    }

    @Test("a Gateway that apus applies becomes pods' objects, is programmed, overlaid and deleted",
        .timeLimit(.minutes(5)))
    func life() async throws {
        let server = try await APIServer()
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        #expect(try await apus(server, ["list", "-A"]).output.contains("has no Gateways"))
        try await server.define("gateway.networking.k8s.io", "gateways", "Gateway")
        let control = try ControlPlane(server, ["--waypoint-image", "apus/waypoint:1"])
        try await control.until("ready", "/healthz/ready") { $0 == "ready\n" }
        let applied = try await apus(server, ["apply", "-n", "shop", "--for", "all", "--revision", "one"])
        #expect(applied.status == 0 && applied.output.contains("waypoint shop/waypoint applied"), "\(applied)")
        try await until("the Deployment", control) { try await server.call("GET", Self.deployment).status == 200 }
        for path in [Self.deployment, Self.service, Self.account] {
            let owners = try await server.value(path, "metadata/ownerReferences")
            let uid = try await server.value(Self.gateway, "metadata/uid")
            #expect(owners.contains(uid) && owners.contains("v1beta1"), "\(path): \(owners)")
        }
        let template = try await server.value(Self.deployment, "spec/template/spec")
        for part in [
            "\"image\":\"apus", "\"readOnlyRootFilesystem\":true", "\"drop\":[\"ALL\"]", "RuntimeDefault",
            "\"audience\":\"istio-ca\"", "\"terminationGracePeriodSeconds\":15",
        ] {
            #expect(template.contains(part), "\(part) in \(template)")
        }
        let address = try await server.value(Self.service, "spec/clusterIP")
        try await until("pending", control) {
            try await server.value(Self.gateway, "status/conditions").contains("Pending")
        }
        try await addReadyPod(server)
        let enrolled = try await apus(server, ["apply", "-n", "shop", "--for", "all", "--enroll-namespace"])
        #expect(enrolled.status == 0 && enrolled.output.contains("is ready!"), "\(enrolled)")
        #expect(enrolled.output.contains("the namespace is not ambient"))
        #expect(try await server.value(Self.namespace, "metadata/labels").contains("waypoint"))
        #expect(try await server.value(Self.gateway, "status/addresses").contains(address))
        let list = try await apus(server, ["list", "-A"]).output
        #expect(list.contains("shop") && list.contains("True") && list.contains("all"), "\(list)")
        #expect(try await apus(server, ["status", "-n", "shop"]).output.contains("Programmed"))
        try await overlays(server, control)
        #expect(try await apus(server, ["delete", "-n", "shop", "other"]).status != 0)
        let deleted = try await apus(server, ["delete", "-n", "shop", "waypoint"])
        #expect(deleted.status == 0, "\(deleted)")
        #expect(try await server.call("GET", Self.gateway).status == 404)
        #expect(try await !server.value(Self.namespace, "metadata/labels").contains("use-waypoint"))
        await control.stop()
        await server.stop()
    }

    private func overlays(_ server: APIServer, _ control: ControlPlane) async throws {
        try await server.must(
            "POST", "\(Self.namespace)/configmaps",
            """
            {"metadata":{"name":"options"},"data":{"deployment":"spec: {replicas: 2}",\
            "horizontalPodAutoscaler":"spec: {maxReplicas: 3}","podDisruptionBudget":"spec: {minAvailable: 1}"}}
            """)
        try await server.must(
            "PATCH", Self.gateway,
            """
            {"spec":{"infrastructure":{"parametersRef":{"group":"","kind":"ConfigMap","name":"options"}}}}
            """, type: "application/merge-patch+json")
        try await until("the overlay", control) {
            let pods = try await server.value(Self.scaler, "spec/maxReplicas")
            let least = try await server.value(Self.budget, "spec/minAvailable")
            return try await (pods, least, server.value(Self.deployment, "spec/replicas")) == ("3", "1", "2")
        }
        try await server.must(
            "PATCH", Self.gateway, #"{"spec":{"infrastructure":{"parametersRef":{"name":"nowhere"}}}}"#,
            type: "application/merge-patch+json")
        try await until("the problem", control) {
            try await server.value(Self.gateway, "status/conditions").contains("InvalidParameters")
        }
        try await server.must(
            "PATCH", Self.gateway, #"{"spec":{"infrastructure":null}}"#, type: "application/merge-patch+json")
        try await until("no autoscaler", control) {
            let scaler = try await server.call("GET", Self.scaler).status
            return try await (scaler, server.call("GET", Self.budget).status) == (404, 404)
        }
    }
}
