import Foundation
import MeshTesting
import Testing

/// The whole life of a mesh in a cluster of two nodes, as its users see it.
@Suite("The story of a cluster", .serialized, .enabled(if: APIServer.programs != nil))
struct StoryTests {
    @Test("installed, joined without a restart, guarded, and changed step by step", .timeLimit(.minutes(10)))
    func story() async throws {
        try await PlayedCluster.with { cluster in
            let story = try Story(cluster)
            try await story.install()
            let connection = try await story.runWithoutMesh()
            try await story.join(connection)
            try await story.guardByIdentity()
            try await story.addWaypoint()
            try await story.shiftTraffic()
            try await connection.expectProgress()
            _ = try await connection.finish()
        }
    }
}
