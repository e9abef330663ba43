import Foundation
import MeshTesting
import Testing

/// The mesh comes and goes as its users do it, with kubectl.
@Suite("Installing and uninstalling at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct InstallationTests {
    private func kubectl(_ server: APIServer, _ arguments: String...) async throws -> String {
        let program = try #require(APIServer.programs)
        let config = try server.writeKubeconfig()
        let name = server.namespace.name
        return try await offload {
            try Shell.run(["ip", "netns", "exec", name, "\(program)/kubectl", "--kubeconfig", config] + arguments)
        }
    }

    @Test("nothing is left: objects, labels and annotations are those of before", .timeLimit(.minutes(5)))
    func nothingLeft() async throws {
        let server = try await APIServer()
        let controller = try server.startNamespaceController()
        try await server.define(
            "gateway.networking.k8s.io", "gatewayclasses", "GatewayClass", version: "v1", scope: "Cluster")
        try await server.must("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop","labels":{"team":"a"}}}"#)
        // The last of what the server makes by itself at its start.
        try await Wait.eventually("the server's own objects", seconds: 60, everyMilliseconds: 200) {
            let own = ["/api/v1/namespaces/default/services/kubernetes", "/api/v1/namespaces/kube-node-lease"]
            for path in own where try await server.call("GET", path).status != 200 { return false }
            return true
        }
        let before = try await server.traces()
        let folder = server.directory.path
        try await Manifests.printed("install", "base").write(
            toFile: "\(folder)/install.yaml", atomically: true, encoding: .utf8)
        try await Manifests.printed("uninstall", "base").write(
            toFile: "\(folder)/uninstall.yaml", atomically: true, encoding: .utf8)
        let applied = try await kubectl(server, "apply", "-f", "\(folder)/install.yaml")
        #expect(applied.contains("daemonset.apps/ztunnel created"))
        // Once more changes nothing.
        let again = try await kubectl(server, "apply", "-f", "\(folder)/install.yaml")
        #expect(again.split(separator: "\n").allSatisfy { $0.hasSuffix(" unchanged") }, "\(again)")
        let control = try await InstalledControlPlane(server, try await Manifests(overlay: "base"))
        try await control.until("ready", "/healthz/ready") { $0 == "ready\n" }
        try await Wait.eventually("the roots", seconds: 60, everyMilliseconds: 200) {
            try await server.call("GET", "/api/v1/namespaces/shop/configmaps/istio-ca-root-cert").status == 200
        }
        #expect(try await server.traces().count > before.count + 10)
        await control.stop()
        _ = try await kubectl(server, "delete", "--ignore-not-found", "-f", "\(folder)/uninstall.yaml")
        // The roots in namespaces of users: a namespace that goes takes its own along.
        let roots = try await kubectl(
            server, "delete", "configmaps", "-A", "-l", "app.kubernetes.io/managed-by=apusd")
        #expect(roots.contains("istio-ca-root-cert"), "\(roots)")
        var after = try await server.traces()
        try await Wait.eventually("the namespace is gone", seconds: 60, everyMilliseconds: 200) {
            after = try await server.traces()
            return after == before
        }
        #expect(after.subtracting(before).isEmpty && before.subtracting(after).isEmpty)
        await controller.stop()
        await server.stop()
    }
}
