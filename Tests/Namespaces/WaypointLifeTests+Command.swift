import Foundation
import MeshTesting
import Testing

/// `apus waypoint`, run as a user runs it.
extension WaypointLifeTests {
    @Test("are applied, listed, explained and deleted by apus, and the namespace's label goes along")
    func command() async throws {
        try await withMesh { mesh in
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            try service(mesh, waypoint: nil)
            try await untilThrough(mesh, false)
            let folders = ["--resources", mesh.resources, "--status", mesh.statuses]

            let text = try await mesh.apus(["waypoint", "generate", "-n", "shop", "--for", "all"])
            #expect(text.status == 0)
            #expect(text.output.contains("  name: waypoint\n  namespace: shop\n"), "\(text.output)")
            #expect(text.output.contains("istio.io/waypoint-for: all"), "\(text.output)")

            let applied = try await mesh.apus(
                ["waypoint", "apply", "-n", "shop", "--name", "way", "--enroll-namespace"] + folders)
            #expect(applied.status == 0)
            #expect(
                applied.output == """
                    waypoint shop/way applied
                    waypoint shop/way is ready!
                    namespace shop labelled with "istio.io/use-waypoint: way"

                    """)
            try await untilThrough(mesh, true)

            let list = try await mesh.apus(["waypoint", "list", "-A"] + folders)
            #expect(Self.words(list.output).contains(["shop", "way", "default", "service", "True"]), "\(list.output)")
            let status = try await mesh.apus(["waypoint", "status", "-n", "shop"] + folders)
            let conditions = Self.words(status.output).map { $0.prefix(4) }
            #expect(conditions.contains(["shop", "way", "True", "Programmed"]), "\(status.output)")

            let why = try await mesh.apus(1, "explain", "shop/web", "shop/api", "GET", "/x", "--state", mesh.state)
            #expect(why.status == 0 && why.output.contains("waypoint  shop/way\n"), "\(why.output)")
            #expect(!why.output.contains("explained by the resources"), "\(why.output)")
            let shown = try await mesh.apus(["get", "services", "api", "-n", "shop"] + folders)
            #expect(Self.words(shown.output).last?.last == "True", "\(shown.output)")

            let second = try await mesh.apus(
                ["waypoint", "apply", "-n", "shop", "--name", "other", "--enroll-namespace"] + folders)
            #expect(second.status != 0)
            #expect(second.output.contains("namespace shop uses waypoint way"), "\(second.output)")

            let deleted = try await mesh.apus(["waypoint", "delete", "-n", "shop", "way"] + folders)
            #expect(deleted.status == 0)
            #expect(deleted.output == "waypoint shop/way deleted\n")
            try await untilThrough(mesh, false)
            try await Wait.eventually("end of the process", seconds: 30) { mesh.waypointProcess("way") == nil }
            let none = try await mesh.apus(["waypoint", "list", "-A"] + folders)
            #expect(Self.words(none.output).count == 1, "\(none.output)")
            let again = try await mesh.apus(["waypoint", "delete", "-n", "shop", "way"] + folders)
            #expect(again.status != 0)
            await server.stop()
        }
    }

    private static func words(_ table: String) -> [[String]] {
        table.split(separator: "\n").map { line in line.split(separator: " ").map(String.init) }
    }
}
