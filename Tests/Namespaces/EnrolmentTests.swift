import Foundation
import MeshTesting
import Testing

@Suite("Enrolment", .serialized, .mesh)
struct EnrolmentTests {
    @Test("refuses what is no pod of this node and says why, and leaves nothing half done")
    func refusals() async throws {
        try await inMesh { mesh in
            let before = try await mesh.states(1)
            let web = try mesh.namespace("web").path
            let batch = try mesh.namespace("batch").path
            let cases: [(path: String, pod: String, expected: String)] = [
                ("/etc/hostname", "shop/web", "expected a network namespace at /etc/hostname"),
                ("/run/netns/apust-nobody", "shop/web", "/run/netns/apust-nobody"),
                (web, "shop/nobody", "belongs to pod shop/web already"),
                (batch, "shop/nobody", "no pod shop/nobody on node node1"),
                (batch, "shop/batch", "no pod shop/batch on node node1"),
                (mesh.nodes[0].path, "shop/web", "the node's own network namespace"),
                (batch, "shop/web", "attached already, to \(web)"),
                (web, "web", "expected a pod as NAMESPACE/NAME"),
            ]
            for (path, pod, expected) in cases {
                let outcome = try await mesh.apus(1, "attach", path, "--pod", pod)
                #expect(outcome.status != 0, "\(pod) at \(path)")
                #expect(outcome.output.contains(expected), "\(pod) at \(path): \(outcome.output)")
            }
            let again = try await mesh.apus(1, "attach", web, "--pod", "shop/web")
            #expect(again.status == 0 && again.output.contains("attached already"))
            let unknown = try await mesh.apus(1, "detach", "shop/nobody")
            #expect(unknown.status != 0)
            #expect(unknown.output.contains("shop/nobody is not attached; attached are: shop/cart, shop/web"))
            #expect(try await mesh.states(1) == before)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
        }
    }

    @Test("opens doors that a burst of connections may queue at")
    func backlog() async throws {
        try await inMesh { mesh in
            let namespace = try mesh.namespace("web")
            let rows = try await offload { try namespace.run("ss", "-Hltn") }.split(separator: "\n")
            for door in [":15001", ":15006", ":15008"] {
                let row = try #require(rows.first { $0.contains("\(door) ") })
                // State, waiting now, may wait, address.
                #expect(row.split(separator: " ").dropFirst(2).first == "1024", "\(row)")
            }
        }
    }

    @Test("says where it looked when no daemon is there")
    func noDaemon() async throws {
        try await inMesh { mesh in
            let apus = mesh.programs.apus
            let outcome = try await offload {
                try Shell.runAnyStatus([apus, "status", "--socket", "/tmp/apust-no-daemon.sock"])
            }
            #expect(outcome.status != 0)
            #expect(outcome.output.contains("/tmp/apust-no-daemon.sock"))
            #expect(outcome.output.contains("Is ztunnel running"))
        }
    }

    @Test("follows the label back and forth, and a pod's own label before its namespace's")
    func labels() async throws {
        try await inMesh { mesh in
            for round in 1...3 {
                try mesh.label(false)
                try await mesh.untilReleased()
                #expect(try await mesh.leftovers("web") == "", "round \(round)")
                try mesh.label(true)
                try await mesh.untilCaptured()
                #expect(try await mesh.answers(from: "web", to: "10.80.2.10"), "round \(round)")
            }
            var web = try mesh.plan("web")
            web.labels["istio.io/dataplane-mode"] = "none"
            try mesh.write("pod-web", web.yaml)
            try await mesh.untilReleased(["web"])
            try await mesh.untilState(["cart"], "captured")
            #expect(try await mesh.leftovers("web") == "")
            for (host, address) in [("10.80.2.10", "10.80.1.10"), ("fd80::2:10", "fd80::1:10")] {
                let text = try await mesh.greeting(from: "web", to: host)
                #expect(text.contains("hello from api, you are \(address)"), "in plain text to a captured pod")
            }
            for (host, address) in [("10.80.1.10", "10.80.2.11"), ("fd80::1:10", "fd80::2:11")] {
                let text = try await mesh.greeting(from: "batch", to: host)
                #expect(text.contains("hello from web, you are "), "from a captured pod, in plain text")
                #expect(text.contains(address))
            }
            try await Wait.eventually("both counted as not encrypted") {
                func opened(_ workload: String, _ reporter: String) async throws -> Double {
                    try await mesh.metric(
                        2, "istio_tcp_connections_opened_total",
                        [
                            "source_workload": workload, "reporter": reporter,
                            "connection_security_policy": "unknown",
                        ])
                }
                let inbound = try await opened("web", "destination")
                return try await opened("batch", "source") >= 2 && inbound >= 2
            }
            try mesh.write("pod-web", try mesh.plan("web").yaml)
            try await mesh.untilCaptured()
        }
    }

    @Test("detaches with nothing left, and attaches again")
    func detach() async throws {
        try await inMesh { mesh in
            try await mesh.detach("cart")
            #expect(try await mesh.leftovers("cart") == "")
            #expect(try await mesh.states(1)["shop/cart"] == nil)
            #expect(try await mesh.answers(from: "cart", to: "10.80.2.10"))
            try await mesh.attach("cart")
            try await mesh.untilCaptured()
        }
    }

    @Test("detaching with a live connection says after its time what goes on, and ends with the connection")
    func detachWithLiveConnection() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "cart", to: "10.80.2.10")
            let outcome = try await mesh.apus(1, "detach", "shop/cart", "--timeout", "1")
            #expect(outcome.status != 0)
            #expect(outcome.output.contains("1 captured connection still live"), "\(outcome.output)")
            #expect(try await mesh.states(1)["shop/cart"] == "leaving")
            try await steady.expectProgress()
            #expect(try await steady.finish().sent > 10, "it lived to its end")
            try await Wait.eventually("cart is out") { try await mesh.states(1)["shop/cart"] == nil }
            #expect(try await mesh.leftovers("cart") == "")
            try await mesh.attach("cart")
            try await mesh.untilCaptured()
        }
    }

    @Test("holds its rules when somebody flushes the firewall, and repairs a deleted policy rule and route")
    func repair() async throws {
        try await inMesh { mesh in
            let web = try mesh.namespace("web")
            let before = try await mesh.leftovers("web")
            _ = try await offload { try web.runAnyStatus("nft", "flush", "ruleset") }
            try await Wait.eventually("all is in place") { try await mesh.leftovers("web") == before }
            #expect(try await mesh.greeting(from: "web", to: "10.80.2.10").contains("10.80.1.10"))

            _ = try await offload { try web.run("ip", "rule", "delete", "fwmark", "0x111/0xfff") }
            _ = try await offload { try web.run("ip", "-6", "route", "flush", "table", "100") }
            try await Wait.eventually("repaired") { try await mesh.leftovers("web") == before }
            try await mesh.untilCaptured()
            #expect(try await mesh.greeting(from: "web", to: "10.80.2.10").contains("10.80.1.10"))
        }
    }

    @Test("outlives a killed daemon: rules stay and refuse, the next daemon takes over at once")
    func killed() async throws {
        try await inMesh { mesh in
            let before = try await mesh.leftovers("web").split(separator: "\n").filter { !$0.contains("LISTEN") }
            let outside = try await mesh.steady(from: "batch", to: "127.0.0.1")
            await mesh.ztunnel(1)?.stop(SIGKILL)
            let after = try await mesh.leftovers("web").split(separator: "\n")
            #expect(before.allSatisfy { line in
                after.contains(line) || line.contains("owner") || line.contains("progname")
            })
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10") == false, "closed, not clear text")
            try mesh.startZtunnel(1)
            try await mesh.untilReady(1)
            try await mesh.untilCaptured()
            #expect(try await mesh.greeting(from: "web", to: "10.80.2.10").contains("10.80.1.10"))
            #expect(try await mesh.greeting(from: "batch", to: "10.80.1.11").contains("10.80.2.11"))
            #expect(try await outside.finish().sent > 10)
        }
    }

    @Test("drains at SIGTERM: a running stream ends in order within the deadline, then the process ends")
    func drains() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "batch", to: "10.80.1.11")
            let daemon = try #require(mesh.ztunnel(1))
            daemon.signal(SIGTERM)
            try await Wait.eventually("no new connections", seconds: 3) {
                try await mesh.answers(from: "web", to: "10.80.2.10") == false
            }
            #expect(try await steady.finish().sent > 10, "the stream of another node was served to its end")
            try await Wait.eventually("end of the process", seconds: 15) { !daemon.isRunning }
            #expect(daemon.status == 0)
            try mesh.startZtunnel(1)
            try await mesh.untilReady(1)
            try await mesh.untilCaptured()
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
        }
    }
}
