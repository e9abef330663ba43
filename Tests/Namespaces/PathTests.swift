import MeshTesting
import Testing

/// Every way a connection can take, each proven by what both applications and both nodes say of it.
@Suite("A captured pod", .serialized, .mesh)
struct PathTests {
    @Test("reaches a captured pod of another node by the tunnel, keeps its address and is named in logs and metrics")
    func acrossNodes() async throws {
        try await inMesh { mesh in
            let (web, api) = (try mesh.plan("web"), try mesh.plan("api"))
            let labels = [
                "source_principal": web.identity, "destination_principal": api.identity,
                "connection_security_policy": "mutual_tls",
            ]
            let openedBefore = try await mesh.metric(1, "istio_tcp_connections_opened_total", labels)
            for (host, address) in [(api.v4, web.v4), (api.v6, web.v6)] {
                #expect(try await mesh.greeting(from: "web", to: host).contains("hello from api, you are \(address)"))
            }
            for (node, reporter) in [(1, "source"), (2, "destination")] {
                let named = labels.merging(["reporter": reporter]) { first, _ in first }
                try await Wait.eventually("node\(node) counted both ends of two connections") {
                    let opened = try await mesh.metric(node, "istio_tcp_connections_opened_total", named)
                    let closed = try await mesh.metric(node, "istio_tcp_connections_closed_total", named)
                    return opened == openedBefore + 2 && closed == opened
                }
                // The server wrote 37 to 38 bytes on each.
                #expect(try await mesh.metric(node, "istio_tcp_sent_bytes_total", named) > 60)
                try await Wait.eventually("node\(node) logged both identities") {
                    mesh.log(node).split(separator: "\n").contains { line in
                        line.contains("connection complete") && line.contains("src.identity=\"\(web.identity)\"")
                            && line.contains("dst.identity=\"\(api.identity)\"")
                    }
                }
            }
        }
    }

    @Test("sends and gets exact byte counts, which both nodes agree on")
    func byteCounts() async throws {
        try await inMesh { mesh in
            let (batch, cart) = (try mesh.plan("batch"), try mesh.plan("cart"))
            #expect(try await mesh.greeting(from: "batch", to: cart.v4, port: 7000, count: 10).contains("message 9"))
            let labels = ["source_principal": batch.identity, "destination_principal": cart.identity]
            for (node, reporter) in [(2, "source"), (1, "destination")] {
                let named = labels.merging(["reporter": reporter]) { first, _ in first }
                try await Wait.eventually("node\(node) counted ten connections of ten bytes each way") {
                    let closed = try await mesh.metric(node, "istio_tcp_connections_closed_total", named)
                    let received = try await mesh.metric(node, "istio_tcp_received_bytes_total", named)
                    let sent = try await mesh.metric(node, "istio_tcp_sent_bytes_total", named)
                    return (closed, received, sent) == (10, 100, 100)
                }
            }
        }
    }

    @Test("reaches a pod of its own node and itself")
    func sameNode() async throws {
        try await inMesh { mesh in
            let (web, cart) = (try mesh.plan("web"), try mesh.plan("cart"))
            for (host, address) in [(cart.v4, web.v4), (cart.v6, web.v6)] {
                #expect(try await mesh.greeting(from: "web", to: host).contains("hello from cart, you are \(address)"))
            }
            for host in [web.v4, web.v6, "127.0.0.1", "::1"] {
                #expect(try await mesh.greeting(from: "web", to: host).contains("hello from web"))
            }
        }
    }

    @Test("may close its side first, and carries 64 MiB each way at once unharmed", arguments: [true, false])
    func bulk(isV4: Bool) async throws {
        try await inMesh { mesh in
            for name in ["api", "cart"] {
                let plan = try mesh.plan(name)
                let host = isV4 ? plan.v4 : plan.v6
                let half = try await mesh.traffic("web", "halfclose", host)
                #expect(half.status == 0, "\(half.output)")
                let bulk = try await mesh.traffic("web", "bulk", host, isV4 ? "64" : "8")
                #expect(bulk.status == 0, "\(bulk.output)")
            }
        }
    }

    @Test("gets connection refused where nobody listens, instead of a connection that closes")
    func nobodyListens() async throws {
        try await inMesh { mesh in
            let outcome = try await mesh.traffic("web", "call", try mesh.plan("api").v4, "7999")
            #expect(outcome.status != 0)
            try await Wait.eventually("the reason in the log") {
                mesh.log(1).split(separator: "\n").contains { $0.contains("10.80.2.10:7999") && $0.contains("error=") }
            }
        }
    }

    @Test("reaches addresses the mesh does not know, unencrypted and counted as such")
    func passthrough() async throws {
        try await inMesh { mesh in
            let node = mesh.nodes[1]
            let server = try MeshProcess(
                "server of node2", in: node, output: "\(mesh.directory.path)/outside.log",
                ["python3", mesh.programs.traffic, "serve", "outside"])
            try await Wait.eventually("the server outside") { server.output.contains("serving") }
            for host in ["10.80.0.2", "fd80::2"] {
                #expect(try await mesh.greeting(from: "web", to: host).contains("hello from outside"))
            }
            await server.stop()
            try await Wait.eventually("a count") {
                try await mesh.metric(
                    1, "istio_tcp_connections_opened_total",
                    ["source_workload": "web", "connection_security_policy": "unknown"]) >= 2
            }
        }
    }
}
