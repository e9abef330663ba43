import MeshTesting
import Testing

@Suite("A policy", .serialized, .mesh)
struct PolicyTests {
    private static func from(_ source: String) -> String { "- from: [ { source: { \(source) } } ]" }

    /// Waits until the node's answer is as wanted; a change bites within a second, other work of the machine aside.
    private func eventually(
        _ mesh: MeshFixture, _ pod: String, _ host: String, port: Int = 7000, answers: Bool
    ) async throws {
        try await Wait.eventually("\(pod) to \(host):\(port) answers: \(answers)", seconds: 5) {
            try await mesh.answers(from: pod, to: host, port: port) == answers
        }
    }

    @Test("DENY refuses whom it names with its name in the log, closes their live connections and no others")
    func deny() async throws {
        try await inMesh { mesh in
            let web = try await mesh.steady(from: "web", to: "10.80.2.10")
            let cart = try await mesh.steady(from: "cart", to: "10.80.2.10")
            try mesh.policy(
                "no-web",
                """
                selector: { matchLabels: { app: api } }
                action: DENY
                rules: [ { from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ] } ]
                """)
            try await web.untilBroken()
            try await eventually(mesh, "web", "10.80.2.10", answers: false)
            #expect(try await mesh.answers(from: "cart", to: "10.80.2.10"))
            #expect(try await mesh.answers(from: "web", to: "10.80.1.11"), "the selector names api only")
            try await cart.expectProgress()
            try await Wait.eventually("the reasons in the log") {
                mesh.log(2).contains("explicitly denied by: shop/no-web")
                    && mesh.log(2).contains("connection closed due to policy change")
            }
            try mesh.remove("no-web")
            try await eventually(mesh, "web", "10.80.2.10", answers: true)
            #expect(try await cart.finish().sent > 30)
        }
    }

    @Test("ALLOW lets in by principal and by namespace, on the ports it names, also on the same node")
    func allow() async throws {
        try await inMesh { mesh in
            let selector = "selector: { matchLabels: { app: api } }\naction: ALLOW\nrules:\n"
            try mesh.policy("list", selector + Self.from("principals: [ cluster.local/ns/shop/sa/web ]"))
            try await eventually(mesh, "cart", "10.80.2.10", answers: false)
            try await eventually(mesh, "batch", "10.80.2.10", answers: false)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            try await Wait.eventually("the reason in the log") {
                mesh.log(2).contains("allow policies exist, but none allowed")
            }
            try mesh.policy("list", selector + Self.from("namespaces: [ shop ]"))
            try await eventually(mesh, "cart", "10.80.2.10", answers: true)
            try await eventually(mesh, "batch", "10.80.2.10", answers: true)
            try mesh.policy("list", selector + "- to: [ { operation: { ports: [ \"7001\" ] } } ]")
            try await eventually(mesh, "web", "10.80.2.10", answers: false)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10", port: 7001))
            try mesh.remove("list")
            try await eventually(mesh, "web", "10.80.2.10", answers: true)
        }
    }

    @Test("that L4 cannot judge refuses instead of letting in")
    func failsClosed() async throws {
        try await inMesh { mesh in
            try mesh.policy(
                "methods",
                """
                selector: { matchLabels: { app: api } }
                action: ALLOW
                rules: [ { to: [ { operation: { methods: [ GET ] } } ] } ]
                """)
            try await eventually(mesh, "web", "10.80.2.10", answers: false)
            try mesh.remove("methods")
            try await eventually(mesh, "web", "10.80.2.10", answers: true)
        }
    }

    @Test("of peer authentication: STRICT refuses plain text and says so, PERMISSIVE and a port's exception let it in")
    func peerAuthentication() async throws {
        try await inMesh { mesh in
            func require(_ mode: String, _ ports: String = "") throws {
                try mesh.write(
                    "peers",
                    """
                    apiVersion: security.istio.io/v1
                    kind: PeerAuthentication
                    metadata: { name: peers, namespace: shop }
                    spec:
                      selector: { matchLabels: { app: api } }
                      mtls: { mode: \(mode) }
                      \(ports)

                    """)
            }
            // The node itself is no pod: its connections arrive in plain text at 15006.
            let node = mesh.nodes[1]
            let program = mesh.programs.traffic
            func nodeCalls(_ port: Int) async throws -> Bool {
                try await offload {
                    try node.runAnyStatus("python3", program, "call", "10.80.2.10", "\(port)").status == 0
                }
            }
            func untilNode(_ port: Int, _ isAnswered: Bool) async throws {
                try await Wait.eventually("plain text to port \(port) is let in: \(isAnswered)", seconds: 5) {
                    try await nodeCalls(port) == isAnswered
                }
            }
            try await untilNode(7000, true)
            try require("STRICT")
            try await untilNode(7000, false)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"), "the mesh comes with identities")
            try await Wait.eventually("the reason in the log") {
                mesh.log(2).split(separator: "\n").contains {
                    $0.contains("src.addr=10.80.0.2:") || $0.contains("src.addr=169.254.1.1:")
                        ? $0.contains("policy rejection") : false
                }
            }
            try require("STRICT", "portLevelMtls: { 7001: { mode: PERMISSIVE } }")
            try await untilNode(7001, true)
            #expect(try await nodeCalls(7000) == false)
            try require("PERMISSIVE")
            try await untilNode(7000, true)
            try mesh.remove("peers")
        }
    }
}
