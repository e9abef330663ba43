import Foundation
import MeshTesting
import Testing

/// The whole life of a mesh in a cluster of two nodes, as its users see it.
@Suite("The story of a cluster", .serialized, .enabled(if: APIServer.programs != nil))
struct StoryTests {
    @Test("installed, joined, guarded, with a waypoint and a canary", .timeLimit(.minutes(10)))
    func story() async throws {
        try await tell(toItsEnd: false)
    }

    @Test(
        "and upgraded and uninstalled",
        .disabled("a daemon that is replaced without surge lets two connections out in clear text: docs/plan.md"),
        .timeLimit(.minutes(10)))
    func wholeStory() async throws {
        try await tell(toItsEnd: true)
    }

    private func tell(toItsEnd: Bool) async throws {
        try await PlayedCluster.with { cluster in
            let story = try Story(cluster)
            let objects = try await cluster.server.traces()
            var nodes: [Set<String>] = []
            for node in cluster.nodes { nodes.append(try await node.traces()) }
            try await story.install()
            let connection = try await story.runWithoutMesh()
            try await story.join(connection)
            try await story.guardByIdentity()
            try await story.addWaypoint()
            try await story.shiftTraffic()
            if toItsEnd { try await story.upgrade() }
            try await connection.expectProgress()
            _ = try await connection.finish()
            if toItsEnd {
                try await story.uninstall()
                try await story.expectNothing(but: nodes, objects)
            }
            // Volumes wait for what the control plane writes; nothing else may have gone wrong.
            let troubles = await cluster.kubelet.troubles().filter { !$0.contains("no ConfigMap") }
            #expect(troubles.isEmpty, "\(troubles)")
        }
    }
}
