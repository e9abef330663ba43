import Foundation
import MeshTesting
import Testing

/// Pods that run before anybody speaks of them, found by a /proc of files whose namespaces are real.
@Suite("Running pods")
struct RunningPodTests {
    private static let uid = "2c48913c-b29f-11e7-9350-020968147796"

    private func process(_ root: TemporaryDirectory, _ number: Int, _ uid: String, in path: String) throws {
        let folder = "\(root.path)/\(number)"
        try FileManager.default.createDirectory(atPath: "\(folder)/ns", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/ns/net", withDestinationPath: path)
        try "0::/kubepods/burstable/pod\(uid)/c\n"
            .write(toFile: "\(folder)/cgroup", atomically: false, encoding: .utf8)
        let fields = Array(repeating: "0", count: 18).joined(separator: " ")
        try "\(number) (app) S \(fields) \(number) 0\n"
            .write(toFile: "\(folder)/stat", atomically: false, encoding: .utf8)
    }

    @Test("a label captures a running pod by its uid, in its own namespace, and lets it go again")
    func labels() async throws {
        let root = try TemporaryDirectory()
        var plan = MeshFixture.Plan()
        plan.isAttached = false
        plan.isAmbient = false
        plan.environment["APUS_PROC"] = root.path
        try await MeshFixture.with(plan) { mesh in
            try mesh.write(
                "pod-web", mesh.plan("web").yaml.replacingOccurrences(of: "test-web", with: Self.uid))
            try process(root, 1, "none", in: mesh.nodes[0].path)
            // Older than the pod's own: a process that went into a namespace of somebody else.
            try process(root, 40, Self.uid, in: mesh.namespace("cart").path)
            try process(root, 41, Self.uid, in: mesh.namespace("web").path)
            #expect(try await mesh.states(1).isEmpty)
            try mesh.label(true)
            try await mesh.untilState(["web"], "captured")
            #expect(try await mesh.leftovers("cart") == "", "no process of it was found")
            #expect(try await mesh.leftovers("web").contains("inet apus"))
            try mesh.label(false)
            try await mesh.untilReleased(["web"])
            #expect(try await mesh.leftovers("web") == "")
            var call = MeshFixture.PluginCall("DEL", "shop/web", container: "unknown", path: "")
            call.uid = "somebody-else"
            #expect(try await mesh.plugin(1, call).status == 0)
            #expect(try await mesh.states(1)["shop/web"] == "attached", "the end of another pod of its name")
            call.uid = Self.uid
            #expect(try await mesh.plugin(1, call).status == 0)
            #expect(try await mesh.states(1)["shop/web"] == nil)
        }
    }
}
