import Foundation
import MeshTesting
import Testing

/// The commands that documents tell users to type, typed.
@Suite("Commands of the documents at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct TypedCommandTests {
    /// What needs a kubelet.
    private static let needsNodes = [" exec "]

    /// Lines of a document's code that call kubectl or apus, between two headings or to the end.
    private func commands(_ document: String, from start: String, to end: String?) throws -> [String] {
        let lines = try String(contentsOfFile: "\(try MeshPrograms().checkout)/\(document)", encoding: .utf8)
            .components(separatedBy: "\n")
        let first = try #require(lines.firstIndex(of: start), "\(document) has no \(start)")
        let last = try end.map { try #require(lines.firstIndex(of: $0), "\(document) has no \($0)") } ?? lines.endIndex
        return lines[first..<last].filter { $0.hasPrefix("    ") }.map { String($0.trimmingPrefix { $0 == " " }) }
            .filter { $0.hasPrefix("kubectl ") || $0.hasPrefix("apus ") }
    }

    private func prepare(_ server: APIServer) async throws {
        let gateway = "gateway.networking.k8s.io"
        try await server.define(gateway, "gatewayclasses", "GatewayClass", version: "v1", scope: "Cluster")
        try await server.define(gateway, "gateways", "Gateway", version: "v1")
        try await server.define(gateway, "httproutes", "HTTPRoute", version: "v1")
        for (plural, kind) in [
            ("authorizationpolicies", "AuthorizationPolicy"), ("peerauthentications", "PeerAuthentication"),
            ("requestauthentications", "RequestAuthentication"),
        ] {
            try await server.define("security.istio.io", plural, kind, version: "v1")
        }
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        try await server.must(
            "POST", "/apis/security.istio.io/v1/namespaces/shop/peerauthentications",
            """
            {"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication","metadata":{"name":"default"},\
            "spec":{"mtls":{"mode":"STRICT"}}}
            """)
        try await server.must(
            "POST", "/api/v1/namespaces/shop/services",
            #"{"metadata":{"name":"api"},"spec":{"selector":{"app":"api"},"ports":[{"port":80}]}}"#)
        for (name, address) in [("web", "10.244.0.5"), ("api", "10.244.0.6")] {
            let pods = "/api/v1/namespaces/shop/pods"
            try await server.must(
                "POST", pods,
                """
                {"metadata":{"name":"\(name)","labels":{"app":"\(name)"}},\
                "spec":{"nodeName":"node1","serviceAccountName":"\(name)",\
                "containers":[{"name":"a","image":"a","ports":[{"containerPort":80}]}]}}
                """)
            try await server.must(
                "PATCH", "\(pods)/\(name)/status",
                """
                {"status":{"phase":"Running","podIP":"\(address)","podIPs":[{"ip":"\(address)"}],\
                "conditions":[{"type":"Ready","status":"True"}]}}
                """, type: "application/merge-patch+json")
        }
    }

    /// Writes what controllers, kubelets and apusd would have written by now.
    private func play(_ server: APIServer, before command: String) async throws {
        let merge = "application/merge-patch+json"
        let apps = "/apis/apps/v1/namespaces/apus-system"
        if command.contains("deployment/apusd") {
            try await server.must(
                "PATCH", "\(apps)/deployments/apusd/status",
                """
                {"status":{"observedGeneration":100,"replicas":2,"updatedReplicas":2,"readyReplicas":2,\
                "availableReplicas":2}}
                """, type: merge)
        } else if command.contains("status daemonset/ztunnel") {
            try await server.must(
                "PATCH", "\(apps)/daemonsets/ztunnel/status",
                """
                {"status":{"observedGeneration":100,"desiredNumberScheduled":1,"currentNumberScheduled":1,\
                "updatedNumberScheduled":1,"numberAvailable":1,"numberReady":1,"numberMisscheduled":0}}
                """, type: merge)
        } else if command.contains("wait gateway/waypoint") {
            try await server.must(
                "PATCH", "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/waypoint/status",
                #"{"status":{"conditions":[{"type":"Programmed","status":"True"}]}}"#, type: merge)
        }
    }

    private func typeAll(_ commands: [String], _ server: APIServer) async throws {
        let terminal = try Terminal(server)
        for command in commands where !Self.needsNodes.contains(where: { command.contains($0) }) {
            try await play(server, before: command)
            try await terminal.type(command)
        }
    }

    @Test("README: install, label, waypoint, verify, uninstall", .timeLimit(.minutes(5)))
    func readme() async throws {
        let commands = try commands(
            "README.md", from: "## In a Kubernetes cluster", to: "## A waypoint for a namespace")
        #expect(commands.count >= 12)
        let server = try await APIServer()
        let controller = try server.startNamespaceController()
        try await prepare(server)
        try await typeAll(commands, server)
        let label = try ObjectTree(json: try await server.call("GET", "/api/v1/namespaces/shop").text)
        #expect(label["metadata", "labels", "istio.io/dataplane-mode"] == nil)
        let gone = "/apis/apps/v1/namespaces/apus-system/daemonsets/ztunnel"
        #expect(try await server.call("GET", gone).status == 404)
        await controller.stop()
        await server.stop()
    }

    @Test("migration from Istio ambient, and back", .timeLimit(.minutes(5)))
    func migration() async throws {
        let commands = try commands("docs/migration.md", from: "## Before", to: nil)
        #expect(commands.count >= 10)
        let server = try await APIServer()
        let controller = try server.startNamespaceController()
        try await prepare(server)
        // As Istio has made it.
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"istio-system"}}"#)
        try await server.must(
            "POST", "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways",
            """
            {"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{"name":"waypoint"},\
            "spec":{"gatewayClassName":"istio-waypoint","listeners":[{"name":"mesh","port":15008,"protocol":"HBONE"}]}}
            """)
        try await typeAll(commands, server)
        await controller.stop()
        await server.stop()
    }
}
