import Foundation
import MeshTesting
import Testing

@Suite("Without its control plane", .serialized, .mesh)
struct ControlPlaneTests {
    private static let addresses = ["url": "type.googleapis.com/istio.workload.Address"]

    @Test("a mesh goes on with what it knows, and takes up where it was when the control plane is back")
    func away() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "web", to: "10.80.2.10")
            let bytesBefore = try await mesh.metric(1, "istio_xds_message_bytes_total", Self.addresses)
            #expect(bytesBefore > 0)
            await mesh.apusd?.stop(SIGKILL)
            for host in ["10.80.2.10", "fd80::2:11", "10.80.1.11"] {
                #expect(try await mesh.answers(from: "web", to: host), "\(host)")
            }
            try await steady.expectProgress(50)
            try mesh.startApusd()
            try await Wait.eventually("a new stream", seconds: 30, everyMilliseconds: 100) {
                let namespace = mesh.nodes[0]
                let text = try await offload {
                    try namespace.runAnyStatus("curl", "-sS", "http://127.0.0.1:15014/metrics").output
                }
                return text.contains("apusd_connected_nodes 2")
            }
            // What is known already is not sent again; the counter would double.
            let bytesAfter = try await mesh.metric(1, "istio_xds_message_bytes_total", Self.addresses)
            #expect(bytesAfter < bytesBefore + 200, "\(bytesBefore) bytes before, \(bytesAfter) after")
            try mesh.policy("late", "action: DENY\nrules: [ { from: [ { source: { namespaces: [ nowhere ] } } ] } ]")
            for node in 1...2 {
                try await Wait.eventually("a later change on node\(node)", seconds: 20) {
                    try await mesh.apus(node, "policies").output.contains("late")
                }
            }
            try mesh.remove("late")
            try await mesh.untilCaptured()
            #expect(try await steady.finish().sent > 50)
        }
    }

    @Test("or with damaged YAML, the last good state stays in force, file and line are named, the mended one is taken")
    func damaged() async throws {
        try await inMesh { mesh in
            try mesh.policy(
                "guard",
                """
                selector: { matchLabels: { app: api } }
                action: DENY
                rules: [ { from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ] } ]
                """)
            try await Wait.eventually("the policy bites") {
                try await mesh.answers(from: "web", to: "10.80.2.10") == false
            }
            // Line 6 is indented as nothing above it is.
            try mesh.write(
                "guard",
                """
                apiVersion: security.istio.io/v1
                kind: AuthorizationPolicy
                metadata: { name: guard, namespace: shop }
                spec:
                  action: DENY
                   rules: []

                """)
            try await Wait.eventually("file and line in the log") {
                mesh.text("apusd.log").split(separator: "\n").contains {
                    $0.contains("guard.yaml:6") && !$0.contains("gone: ")
                }
            }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10") == false, "the last good policy holds")
            #expect(try await mesh.answers(from: "cart", to: "10.80.2.10"))
            #expect(mesh.apusd?.isRunning == true)
            try mesh.policy(
                "guard",
                """
                selector: { matchLabels: { app: api } }
                action: DENY
                rules: [ { from: [ { source: { principals: [ cluster.local/ns/shop/sa/cart ] } } ] } ]
                """)
            try await Wait.eventually("the mended file bites") {
                try await mesh.answers(from: "cart", to: "10.80.2.10") == false
            }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"), "the file says so no longer")
            try await Wait.eventually("the log takes it back") {
                mesh.text("apusd.log").split(separator: "\n").contains {
                    $0.contains("guard.yaml:6") && $0.contains("gone: ")
                }
            }
            try mesh.remove("guard")
            try await Wait.eventually("without the policy") {
                try await mesh.answers(from: "cart", to: "10.80.2.10")
            }
        }
    }
}
