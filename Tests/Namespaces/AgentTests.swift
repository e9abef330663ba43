import Foundation
import MeshTesting
import Testing

/// istio-cni as the node agent: it makes the rules, and tells of pods over its own socket.
@Suite("Istio's node agent")
struct AgentTests {
    /// What istio-cni's rules come to for connections that a pod opens.
    private static let rules = """
        table inet istio-ambient-nat {
          chain output {
            type nat hook output priority -100;
            meta mark & 0xfff != 0x539 ip daddr != 127.0.0.1 tcp flags & (syn | ack) == syn redirect to :15001
          }
        }
        """

    @Test("a snapshot, changes, a lost connection and a broken one: pods are what the agent says they are")
    func life() async throws {
        let folder = try TemporaryDirectory()
        var plan = MeshFixture.Plan()
        plan.isAttached = false
        plan.agentSocket = "\(folder.path)/zds.sock"
        try await MeshFixture.with(plan) { mesh in
            let program = "\(mesh.programs.checkout)/Tests/Fixtures/Programs/agent.py"
            func agent(_ steps: String...) async throws -> [String] {
                let command = ["timeout", "60", "python3", program, "\(folder.path)/zds.sock"] + steps
                let outcome = try await offload { try Shell.runAnyStatus(command) }
                return outcome.output.split(separator: "\n").map { String($0) }
            }
            func add(_ pod: String, _ uid: String) throws -> String {
                "add:\(uid):shop:\(pod):\(pod):\(try mesh.namespace(pod).path)"
            }
            for pod in ["web", "cart"] {
                let namespace = try mesh.namespace(pod)
                _ = try await offload { try namespace.run("sh", "-c", "nft -f - <<'END'\n\(Self.rules)\nEND") }
            }
            let first = try await agent(try add("web", "u-web"), "keep:u-none", "snapshot", try add("cart", "u-cart"))
            #expect(first == ["hello 0801", "add ok", "keep ok", "snapshot ok", "add ok"])
            #expect(try await mesh.states(1)["shop/web"] == "captured")
            #expect(try await mesh.states(1)["shop/cart"] == "captured")
            #expect(try await mesh.leftovers("web").contains("inet apus") == false, "its rules are not ours")
            let second = try await agent(
                try add("web", "u-web"), "snapshot", "del:u-none", try add("cart", "u-cart"), "del:u-cart")
            #expect(second.dropFirst().allSatisfy { $0.hasSuffix(" ok") }, "\(second)")
            let states = try await mesh.states(1)
            #expect(states["shop/web"] == "captured" && states["shop/cart"] == nil)
            for (step, reason) in [
                ("garbage", "do not decode"), ("add:u:shop:cart:cart", "without a network namespace"),
            ] {
                let answers = try await agent(step)
                #expect(answers.last?.contains(reason) == true, "\(answers)")
            }
            let third = try await agent("keep:u-web", "snapshot", "keep:u-web")
            #expect(third.last?.contains("keep after the snapshot") == true)
            #expect(try await mesh.states(1)["shop/web"] == "captured")
            let last = try await agent("snapshot")
            #expect(last == ["hello 0801", "snapshot ok"])
            #expect(try await mesh.states(1).isEmpty)
        }
    }
}
