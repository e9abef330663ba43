import Foundation
import MeshTesting
import Testing

/// A daemon of a node is replaced by another one beside it.
@Suite("Hand-over to a new daemon", .serialized, .mesh)
struct HandoverTests {
    /// Short requests and live connections out of the node's pods, into them, and between two of them.
    private struct Traffic {
        let servers: [MeshProcess]
        let loads: [RequestLoad]
        let streams: [SteadyConnection]

        init(_ mesh: MeshFixture) async throws {
            servers = [
                try await mesh.serveLoad(in: "api", port: 8080), try await mesh.serveLoad(in: "cart", port: 8080),
            ]
            loads = [
                try mesh.load(from: "web", to: "10.80.2.10", port: 8080, perSecond: 150, fresh: 15),
                try mesh.load(from: "batch", to: "10.80.1.11", port: 8080, perSecond: 150, fresh: 15),
                try mesh.load(from: "web", to: "fd80::1:11", port: 8080, perSecond: 50, fresh: 15),
            ]
            streams = [
                try await mesh.steady(from: "web", to: "10.80.2.10"),
                try await mesh.steady(from: "batch", to: "10.80.1.11"),
                try await mesh.steady(from: "web", to: "10.80.1.11"),
            ]
            try await goesOn()
        }

        func goesOn() async throws {
            for load in loads { try await load.expectAnswers(30) }
            for stream in streams { try await stream.expectProgress() }
        }

        /// Ends it all; nothing was refused, cut or lost.
        func finish() async throws {
            for load in loads {
                let counts = await load.finish()
                #expect(counts.failed == 0, "\(counts.reasons)")
                #expect(counts.answered > 60)
            }
            for stream in streams { #expect(try await stream.finish().sent > 50) }
            for server in servers { await server.stop() }
        }
    }

    private func expectCaptured(_ mesh: MeshFixture) async throws {
        try await mesh.untilCaptured()
        for pod in ["web", "cart"] {
            let namespace = try mesh.namespace(pod)
            let outcome = try await offload { try namespace.runAnyStatus("nft", "delete", "table", "inet", "apus") }
            #expect(outcome.status != 0, "the rules of \(pod) have an owner")
        }
        #expect(try await mesh.greeting(from: "web", to: "10.80.2.10").contains("10.80.1.10"))
        #expect(try await mesh.greeting(from: "batch", to: "10.80.1.11").contains("10.80.2.11"))
    }

    private func untilTakenOver(_ process: MeshProcess, seconds: Double = 30) async throws {
        try await Wait.eventually("hand-over to \(process.outputPath)", seconds: seconds) {
            guard process.isRunning else { throw MeshFixture.StepFailure(cause: process.output, logs: "") }
            return process.output.contains("taken over")
        }
    }

    @Test("no request fails, streams live on, new connections are the successor's, the former ends with its streams")
    func upgrade() async throws {
        try await inMesh { mesh in
            let traffic = try await Traffic(mesh)
            let former = try #require(mesh.ztunnel(1))
            let successor = try mesh.startSuccessor(1, log: "node1-upgrade.log")
            try await untilTakenOver(successor)
            try await traffic.goesOn()
            #expect(former.isRunning, "it has live connections")
            try await Wait.eventually("new connections are logged by the successor") {
                let log = successor.output
                return ["10.80.2.10:8080", "10.80.1.11:8080"].allSatisfy { log.contains($0) }
            }
            try await expectCaptured(mesh)
            try await traffic.goesOn()
            try await traffic.finish()
            try await Wait.eventually("end of the former daemon", seconds: 20) { !former.isRunning }
            #expect(former.status == 0)
            try await expectCaptured(mesh)
            for node in 1...2 {
                let plain = try await mesh.metric(
                    node, "istio_tcp_connections_opened_total", ["connection_security_policy": "unknown"])
                #expect(plain == 0, "node\(node) has sent or got clear text")
            }
        }
    }

    @Test("three upgrades in a row leave no descriptor behind, and rules wait for connections of the first daemon")
    func severalUpgrades() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "batch", to: "10.80.1.11")
            let first = try #require(mesh.ztunnel(1))
            var daemons = [first]
            var counts: [Int] = []
            for round in 1...3 {
                let successor = try mesh.startSuccessor(1, log: "node1-round-\(round).log")
                try await untilTakenOver(successor)
                try await expectCaptured(mesh)
                counts.append(successor.descriptorCount)
                daemons.append(successor)
            }
            // Connections to peers and to the control plane come and go.
            #expect(counts[2] <= counts[0] + 12, "\(counts)")
            #expect(first.isRunning)
            let outcome = try await mesh.apus(1, "detach", "shop/cart", "--timeout", "2")
            #expect(outcome.status != 0, "its connection is at the first: \(outcome.output)")
            try await steady.expectProgress()
            #expect(try await steady.finish().sent > 30)
            try await Wait.eventually("end of all but the last", seconds: 20) {
                daemons.dropLast().allSatisfy { !$0.isRunning }
            }
            try await Wait.eventually("cart is out") { try await mesh.states(1)["shop/cart"] == nil }
            try await mesh.attach("cart")
            try await expectCaptured(mesh)
        }
    }

    @Test("a pod that is detached after an upgrade keeps its rules until the former daemon's connections have ended")
    func detachAfterUpgrade() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "web", to: "10.80.2.10")
            let former = try #require(mesh.ztunnel(1))
            try await untilTakenOver(try mesh.startSuccessor(1, log: "node1-detach.log"))
            let outcome = try await mesh.apus(1, "detach", "shop/web", "--timeout", "2")
            #expect(outcome.status != 0, "\(outcome.output)")
            #expect(try await mesh.states(1)["shop/web"] == "leaving")
            try await steady.expectProgress(100)
            #expect(try await steady.finish().sent > 100)
            try await Wait.eventually("web is out", seconds: 20) { try await mesh.states(1)["shop/web"] == nil }
            #expect(try await mesh.leftovers("web") == "")
            try await Wait.eventually("end of the former", seconds: 20) { !former.isRunning }
            try await mesh.attach("web")
            try await mesh.untilCaptured()
        }
    }

    @Test("a successor that dies before it serves changes nothing", arguments: [
        ["hello:node1"], ["hello:node1", "begin"],
    ])
    func successorDies(steps: [String]) async throws {
        try await inMesh { mesh in
            let traffic = try await Traffic(mesh)
            let daemon = try #require(mesh.ztunnel(1))
            let before = daemon.descriptorCount
            for _ in 0..<3 {
                let said = try await ask(mesh, steps)
                #expect(said.last?.hasSuffix("whole") == true, "\(said)")
            }
            try await traffic.goesOn()
            try await expectCaptured(mesh)
            try await traffic.finish()
            #expect(daemon.isRunning)
            try await Wait.eventually("descriptors back") { daemon.descriptorCount <= before + 12 }
            // It is none the worse for it: attaching works, and so does the next hand-over.
            try await mesh.detach("cart")
            try await mesh.attach("cart")
            try await untilTakenOver(try mesh.startSuccessor(1, log: "node1-after-\(steps.count).log"))
            try await expectCaptured(mesh)
        }
    }

    @Test("when the daemon that runs dies before it has handed over, its successor serves as after any crash")
    func predecessorDies() async throws {
        try await inMesh { mesh in
            let former = try #require(mesh.ztunnel(1))
            let control = try #require(mesh.apusd)
            // Without the control plane it cannot be ready.
            control.signal(SIGSTOP)
            defer { control.signal(SIGCONT) }
            let successor = try mesh.startSuccessor(1, log: "node1-crash.log")
            try await Wait.eventually("it gets ready", seconds: 20) { former.output.contains("a successor gets ready") }
            #expect(try await mesh.greeting(from: "web", to: "10.80.1.11").contains("10.80.1.10"), "the former serves")
            await former.stop(SIGKILL)
            try await Wait.eventually("it goes on alone", seconds: 20) {
                successor.output.contains("going on as after a restart")
            }
            control.signal(SIGCONT)
            try await expectCaptured(mesh)
        }
    }

    @Test("garbage, other versions, other nodes, other users and a second one at a time are refused")
    func refused() async throws {
        try await inMesh { mesh in
            #expect(try await ask(mesh, ["bytes:474554", "read"]).last?.contains("no message") == true)
            #expect(try await ask(mesh, ["bytes:4148010100000000", "read"]).last?.contains("cut off") == true)
            #expect(try await ask(mesh, ["version:7"]).last?.contains("version 1 of the protocol") == true)
            #expect(try await ask(mesh, ["hello:node2"]).last?.contains("daemon of node node1") == true)
            let early = try await ask(mesh, ["bytes:4148010500000000", "read"])
            #expect(early.last?.contains("no greeting") == true, "\(early)")
            let holder = try successor(mesh, ["hello:node1", "hold:60"])
            try await Wait.eventually("it holds") { holder.output.contains("hello") }
            #expect(try await ask(mesh, ["hello:node1"]).last?.contains("already") == true)
            await holder.stop(SIGKILL)
            try await Wait.eventually("the next is welcome") {
                try await ask(mesh, ["hello:node1"]).last?.hasSuffix("whole") == true
            }
            let path = handoverSocket(mesh)
            #expect(try Shell.run(["stat", "-c", "%a", path]) == "600\n")
            try Shell.run(["chmod", "755", mesh.directory.path])
            try Shell.run(["chmod", "666", path])
            let stranger = try await ask(mesh, ["hello:node1"], ["setpriv", "--reuid=65534", "--clear-groups"])
            #expect(stranger.last?.hasPrefix("hello closed") == true || stranger.last?.contains("cut off") == true,
                "\(stranger)")
            try Shell.run(["chmod", "600", path])
            try await expectCaptured(mesh)
        }
    }

    // MARK: - A program that plays the successor

    private func handoverSocket(_ mesh: MeshFixture) -> String { "\(mesh.socket(1)).handover" }

    private func command(_ mesh: MeshFixture, _ steps: [String]) -> [String] {
        let program = "\(mesh.programs.checkout)/Tests/Fixtures/Programs/successor.py"
        return ["python3", program, handoverSocket(mesh)] + steps
    }

    /// What it says, step by step.
    private func ask(_ mesh: MeshFixture, _ steps: [String], _ before: [String] = []) async throws -> [String] {
        let command = before + ["timeout", "60"] + command(mesh, steps)
        let output = try await offload { try Shell.runAnyStatus(command).output }
        return output.split(separator: "\n").map(String.init)
    }

    private func successor(_ mesh: MeshFixture, _ steps: [String]) throws -> MeshProcess {
        try MeshProcess(
            "successor", in: mesh.nodes[0], output: "\(mesh.directory.path)/successor-\(steps.count).log",
            command(mesh, steps))
    }
}
