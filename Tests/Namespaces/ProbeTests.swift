import MeshTesting
import Testing

@Suite("Probes of the kubelet", .mesh { $0.environment["APUS_NODE_NETNS"] = "/proc/self/ns/net" })
struct ProbeTests {
    private static let strict = """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: { name: strict, namespace: shop }
        spec: { mtls: { mode: STRICT } }

        """

    @Test("under STRICT the node's own processes reach a pod, plain text of another pod does not")
    func strict() async throws {
        try await inMesh { mesh in
            try mesh.write("strict", Self.strict)
            var plain = try mesh.plan("batch")
            plain.labels["istio.io/dataplane-mode"] = "none"
            try mesh.write("pod-batch", plain.yaml)
            try await mesh.untilReleased(["batch"])
            try await Wait.eventually("plain text of a pod is refused") {
                try await mesh.answers(from: "batch", to: "10.80.1.10") == false
            }
            let (node, program) = (mesh.nodes[0], mesh.programs.traffic)
            for (address, source) in [
                ("10.80.1.10", "169.254.7.127"), ("fd80::1:10", "fd16:9254:7127:1337:ffff:ffff:ffff:ffff"),
            ] {
                let outcome = try await offload { try node.runAnyStatus("python3", program, "call", address, "7001") }
                #expect(outcome.output.contains("hello from web, you are \(source)"), "\(address): \(outcome)")
            }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"), "the mesh goes on")
        }
    }
}
