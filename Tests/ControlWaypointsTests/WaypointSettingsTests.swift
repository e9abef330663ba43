import ControlAuthority
import Foundation
import MeshKernel
import MeshModel
import Testing

@testable import ControlWaypoints

@Suite("What a waypoint's process is told")
struct WaypointSettingsTests {
    @Test("more settings go along; those that follow from the Gateway cannot be replaced")
    func environment() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let gateway = try #require(IPAddress("169.254.1.1"))
        var settings = WaypointRunSettings(
            program: "/bin/false", addresses: try #require(IPBlock("10.254.0.0/24")),
            attachment: .routed(gateway: gateway), state: try StateDirectory(path: path),
            trustDomain: "cluster.local", clusterID: "one", drainSeconds: 5)
        let name = WaypointInstanceName(
            namespace: "shop", gateway: "waypoint", service: "way-svc", pod: "pod-1", serviceAccount: "own")
        let own = settings.environment(for: name, controlPlanePort: 15012)
        #expect(Set(own.keys) == WaypointRunSettings.ownNames)
        #expect(own["GATEWAY_NAME"] == "waypoint" && own["GATEWAY_SERVICE"] == "way-svc")

        settings.moreSettings = ["TRACE_SAMPLING": "100", "SERVICE_ACCOUNT": "another"]
        let more = settings.environment(for: name, controlPlanePort: 15012)
        #expect(more["TRACE_SAMPLING"] == "100" && more["SERVICE_ACCOUNT"] == "own")
        #expect(more.count == own.count + 1)
    }
}
