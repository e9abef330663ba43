import Foundation
import MeshTesting
import Testing

/// How a daemon ends that has handed over, where it is told how long connections may go on and that it must not end by
/// itself.
@Suite(
    "The end of a daemon that has handed over", .serialized,
    .mesh { plan in plan.environment = ["APUS_HANDOVER_STAY": "true", "APUS_HANDOVER_DRAIN": "2s"] })
struct HandoverEndTests {
    private func upgrade(_ mesh: MeshFixture, log: String) async throws -> (former: MeshProcess, new: MeshProcess) {
        let former = try #require(mesh.ztunnel(1))
        let new = try mesh.startSuccessor(1, log: log)
        try await Wait.eventually("hand-over", seconds: 30) { new.output.contains("taken over") }
        return (former, new)
    }

    @Test("after its time what lives is cut; it stays until it is asked to end")
    func asked() async throws {
        try await inMesh { mesh in
            let steady = try await mesh.steady(from: "web", to: "10.80.2.10")
            let (former, _) = try await upgrade(mesh, log: "node1-asked.log")
            try await steady.expectProgress(50)
            try await steady.untilBroken(seconds: 15)
            try await Wait.eventually("nothing is left") { former.output.contains("nothing is left of what") }
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            #expect(former.isRunning)
            former.signal(SIGTERM)
            try await Wait.eventually("end of the former") { !former.isRunning }
            #expect(former.status == 0)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
        }
    }

    @Test("when its successor dies it ends with an error, so that it is started again; then it serves")
    func successorDies() async throws {
        try await inMesh { mesh in
            let (former, new) = try await upgrade(mesh, log: "node1-dies.log")
            try await Wait.eventually("nothing is left") { former.output.contains("nothing is left of what") }
            #expect(former.isRunning)
            await new.stop(SIGKILL)
            try await Wait.eventually("end of the former", seconds: 20) { !former.isRunning }
            #expect(former.status == 1)
            #expect(former.output.contains("the daemon that took over has ended; starting anew"))
            try mesh.startZtunnel(1)
            try await mesh.untilReady(1)
            try await mesh.untilCaptured()
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
        }
    }
}
