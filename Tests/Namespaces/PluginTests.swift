import Foundation
import MeshTesting
import Testing

/// The CNI plugin, called as container runtimes call it.
@Suite("CNI plugin", .serialized, .mesh { $0.isAttached = false })
struct PluginTests {
    private func call(
        _ mesh: MeshFixture, _ command: String, _ pod: String, _ container: String, path: String? = nil,
        _ change: (inout MeshFixture.PluginCall) -> Void = { _ in }
    ) async throws -> MeshFixture.Outcome {
        let plan = try mesh.plan(pod)
        var call = MeshFixture.PluginCall(
            command, plan.key, container: container, path: try path ?? mesh.namespace(pod).path)
        change(&call)
        return try await mesh.plugin(plan.node, call)
    }

    /// Each pod as a fresh sandbox `first-POD`.
    private func addAll(_ mesh: MeshFixture) async throws {
        for pod in mesh.plan.pods.map(\.name) {
            let outcome = try await call(mesh, "ADD", pod, "first-\(pod)")
            try #require(outcome.status == 0, "\(outcome.output)")
        }
    }

    @Test("a pod that starts is captured and proven when the plugin ends, and speaks to others")
    func add() async throws {
        try await inMesh { mesh in
            for pod in mesh.plan.pods.map(\.name) {
                let outcome = try await call(mesh, "ADD", pod, "first-\(pod)")
                #expect(outcome.status == 0 && outcome.output == MeshFixture.previousResult + "\n")
                let plan = try mesh.plan(pod)
                #expect(try await mesh.states(plan.node)[plan.key] == "captured", "no wait")
            }
            try await mesh.untilCaptured()
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            let before = try await mesh.leftovers("web")
            let again = try await call(mesh, "ADD", "web", "first-web")
            #expect(again.status == 0 && again.output == MeshFixture.previousResult + "\n")
            #expect(try await mesh.leftovers("web") == before, "twice is once")
            #expect(try await call(mesh, "CHECK", "web", "first-web").status == 0)
            #expect(try await call(mesh, "CHECK", "web", "other").output.contains("\"code\":101"))
        }
    }

    @Test("garbage is error 6, a configuration without a network before it 7, each with a status")
    func garbage() async throws {
        try await inMesh { mesh in
            let alone = "{\"cniVersion\":\"1.0.0\",\"name\":\"n\"}"
            for (input, code) in [("garbage", 6), ("", 6), ("[]", 7), (alone, 7)] {
                let outcome = try await call(mesh, "ADD", "web", "x") { $0.input = input }
                #expect(outcome.status == 1 && outcome.output.contains("\"code\":\(code),"), "\(outcome.output)")
            }
            let command = try await call(mesh, "NONSENSE", "web", "x")
            #expect(command.status == 1 && command.output.contains("\"code\":4,"))
            let version = try await call(mesh, "VERSION", "web", "x")
            #expect(version.status == 0 && version.output.contains("supportedVersions"))
        }
    }

    @Test("a pod that nobody names does not start, and starts when it is named in time")
    func unknown() async throws {
        try await inMesh { mesh in
            let late = try TestNamespace()
            var call = MeshFixture.PluginCall("ADD", "shop/late", container: "late", path: late.path)
            call.timeoutSeconds = 1
            let refused = try await mesh.plugin(1, call)
            #expect(refused.status == 1 && refused.output.contains("\"code\":100"), "\(refused.output)")
            #expect(refused.output.contains("has not said within 1 s whether shop/late"))
            call.timeoutSeconds = 20
            let patient = call
            async let outcome = mesh.plugin(1, patient)
            try mesh.write("pod-late", MeshPodPlan("late", node: 1, octet: 77).yaml)
            #expect(try await outcome.status == 0)
            #expect(try await mesh.states(1)["shop/late"] == "captured")
            call.command = "DEL"
            #expect(try await mesh.plugin(1, call).status == 0)
            try mesh.remove("pod-late")
        }
    }

    @Test("the pod that is meant is that of the uid, not an earlier one of its name")
    func earlierLife() async throws {
        try await inMesh { mesh in
            let namespace = try TestNamespace()
            var plan = MeshPodPlan("again", node: 1, octet: 78)
            plan.labels["istio.io/dataplane-mode"] = "none"
            try mesh.write("pod-again", plan.yaml)
            var call = MeshFixture.PluginCall("ADD", "shop/again", container: "again", path: namespace.path)
            #expect(try await mesh.plugin(1, call).status == 0)
            #expect(try await mesh.states(1)["shop/again"] == "attached")
            call.uid = "second"
            call.container = "again-2"
            let second = call
            async let outcome = mesh.plugin(1, second)
            plan.labels = [:]
            try mesh.write("pod-again", plan.yaml.replacingOccurrences(of: "test-again", with: "second"))
            #expect(try await outcome.status == 0)
            #expect(try await mesh.states(1)["shop/again"] == "captured")
            call.command = "DEL"
            #expect(try await mesh.plugin(1, call).status == 0)
            try mesh.remove("pod-again")
        }
    }

    @Test("a new sandbox takes the place of the old one, whose late end does not touch it")
    func newSandbox() async throws {
        try await inMesh { mesh in
            try await addAll(mesh)
            let second = try TestNamespace()
            #expect(try await call(mesh, "ADD", "web", "second-web", path: second.path).status == 0)
            #expect(try await mesh.leftovers("web") == "", "nothing is left in the old one")
            #expect(try await offload { try second.run("nft", "list", "ruleset") }.contains("table inet apus"))
            #expect(try await call(mesh, "DEL", "web", "first-web").status == 0)
            #expect(try await mesh.states(1)["shop/web"] == "captured")
            #expect(try await call(mesh, "DEL", "web", "second-web", path: "").status == 0)
            #expect(try await mesh.states(1)["shop/web"] == nil)
            #expect(try await call(mesh, "DEL", "web", "second-web", path: "").status == 0, "twice is once")
            #expect(try await call(mesh, "ADD", "web", "third-web").status == 0, "and starts after its end")
            #expect(try await mesh.states(1)["shop/web"] == "captured")
        }
    }

    @Test("a pod that ends with its connections alive is out at once, also when its namespace has vanished")
    func vanished() async throws {
        try await inMesh { mesh in
            try await addAll(mesh)
            let steady = try await mesh.steady(from: "cart", to: "10.80.2.10")
            let start = ContinuousClock.now
            #expect(try await call(mesh, "DEL", "cart", "first-cart", path: "").status == 0)
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(try await mesh.states(1)["shop/cart"] == nil)
            _ = try? await steady.finish()
            let missing = try await call(mesh, "ADD", "cart", "second-cart", path: "/run/netns/apust-nobody")
            #expect(missing.status == 1 && missing.output.contains("\"code\":100"))
            #expect(missing.output.contains("/run/netns/apust-nobody"))
            let file = try await call(mesh, "ADD", "cart", "second-cart", path: "/etc/hostname")
            #expect(file.output.contains("expected a network namespace at /etc/hostname"))
            let node = try await call(mesh, "ADD", "cart", "second-cart", path: mesh.nodes[0].path)
            #expect(node.output.contains("the node's own network namespace"), "host network is never captured")
            do {
                let short = try TestNamespace()
                #expect(try await call(mesh, "ADD", "cart", "third-cart", path: short.path).status == 0)
            }
            #expect(try await call(mesh, "CHECK", "cart", "third-cart").status == 0)
            #expect(try await call(mesh, "ADD", "cart", "fourth-cart").status == 0)
        }
    }

    @Test("two pods with one address, while it passes from one to the next, do not disturb each other")
    func oneAddress() async throws {
        try await inMesh { mesh in
            try await addAll(mesh)
            let heir = try TestNamespace()
            _ = try await offload { try heir.run("ip", "address", "add", "10.80.1.10/32", "dev", "lo") }
            try mesh.write("pod-heir", MeshPodPlan("heir", node: 1, octet: 10).yaml)
            let call = MeshFixture.PluginCall("ADD", "shop/heir", container: "heir", path: heir.path)
            #expect(try await mesh.plugin(1, call).status == 0)
            let both = try await mesh.states(1)
            #expect(both["shop/web"] == "captured" && both["shop/heir"] == "captured")
            #expect(try await self.call(mesh, "DEL", "web", "first-web").status == 0)
            #expect(try await mesh.states(1)["shop/heir"] == "captured")
            #expect(try await mesh.leftovers("web") == "")
            var end = call
            end.command = "DEL"
            #expect(try await mesh.plugin(1, end).status == 0)
            try mesh.remove("pod-heir")
            #expect(try await self.call(mesh, "ADD", "web", "first-web").status == 0)
        }
    }

    @Test("garbage collection gives up what the list does not hold")
    func collect() async throws {
        try await inMesh { mesh in
            try await addAll(mesh)
            let list = ", \"cni.dev/valid-attachments\": [{\"containerID\": \"first-web\", \"ifname\": \"eth0\"}]"
            #expect(try await call(mesh, "GC", "web", "x") { $0.fields = list }.status == 0)
            let states = try await mesh.states(1)
            #expect(states["shop/web"] == "captured" && states["shop/cart"] == nil)
            #expect(try await mesh.leftovers("cart") == "")
        }
    }

    @Test("without a daemon a captured pod does not start, another does, and ends are not held up")
    func noDaemon() async throws {
        try await inMesh { mesh in
            try await addAll(mesh)
            await mesh.ztunnel(1)?.stop(SIGKILL)
            let refused = try await call(mesh, "ADD", "web", "second-web")
            #expect(refused.status == 1 && refused.output.contains("\"code\":11"), "\(refused.output)")
            #expect(refused.output.contains("does not answer"))
            #expect(try await call(mesh, "ADD", "web", "x") { $0.fields = ",\"failOpen\":true" }.status == 0)
            #expect(try await call(mesh, "ADD", "web", "x") { $0.pod = "other/web" }.status == 0)
            #expect(try await call(mesh, "DEL", "web", "second-web").status == 0)
            try mesh.startZtunnel(1)
            try await mesh.untilReady(1)
            try await mesh.untilState(["web", "cart"], "captured")
            #expect(try await call(mesh, "DEL", "web", "other").status == 0)
            #expect(try await mesh.states(1)["shop/web"] == "captured", "its sandbox is remembered")
            #expect(try await call(mesh, "DEL", "web", "first-web").status == 0)
            #expect(try await mesh.states(1)["shop/web"] == nil)
        }
    }
}
