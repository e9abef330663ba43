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
}
