import Foundation
import MeshTesting
import Testing

/// Waypoints that apusd starts, proves and ends: from a Gateway's file to the traffic that goes through it.
@Suite("Waypoints that the control plane runs", .serialized)
struct WaypointLifeTests {
    private static let address = "10.96.0.30"
    private static let port = 80

    func withMesh(_ body: @Sendable (MeshFixture) async throws -> Void) async throws {
        var plan = MeshFixture.Plan()
        plan.runsWaypoints = true
        plan.isAttached = false
        let ready = plan
        try await MeshGate.shared.pass {
            try await MeshFixture.with(ready) { mesh in
                for pod in ["web", "api"] { try await mesh.attach(pod) }
                try await mesh.untilCaptured(["web", "api"])
                try await body(mesh)
            }
        }
    }

    func service(_ mesh: MeshFixture, waypoint: String?) throws {
        let labels = waypoint.map { "istio.io/use-waypoint: \($0)" } ?? ""
        try mesh.write(
            "service",
            """
            apiVersion: v1
            kind: Service
            metadata: { name: api, namespace: shop, labels: { \(labels) } }
            spec:
              clusterIP: \(Self.address)
              selector: { app: api }
              ports: [ { name: http-web, port: \(Self.port), targetPort: 7080 } ]

            """)
    }

    private func get(_ mesh: MeshFixture, _ path: String) async throws -> MeshFixture.Outcome {
        try await mesh.web("web", "get", Self.address, "\(Self.port)", path)
    }

    func untilThrough(_ mesh: MeshFixture, _ isThrough: Bool) async throws {
        try await Wait.eventually("a request \(isThrough ? "through" : "beside") the waypoint", seconds: 30) {
            let answer = try await get(mesh, "/x")
            return answer.output.contains("200 OK")
                && answer.output.lowercased().contains("by=spiffe://") == isThrough
        }
    }

    @Test("come and go under load, and no request fails")
    func underLoad() async throws {
        try await withMesh { mesh in
            let server = try await mesh.serveLoad(in: "api", port: 7080)
            try service(mesh, waypoint: nil)
            try await untilThrough(mesh, false)
            let load = try mesh.load(from: "web", to: Self.address, port: Self.port, perSecond: 1000)
            try await load.expectAnswers(500)
            try mesh.gateway("way")
            try await mesh.untilProgrammed("way")
            #expect(load.counts.through == 0)
            try service(mesh, waypoint: "way")
            try await Wait.eventually("requests through the waypoint", seconds: 30) { load.counts.through > 100 }
            try await load.expectAnswers(1000)
            #expect(mesh.gatewayStatus("way").contains("assigned to shop/api"))
            // Both at once: whoever still calls through it is served.
            try service(mesh, waypoint: nil)
            try mesh.remove("gateway-way")
            try await Wait.eventually("the waypoint is gone", seconds: 30) { mesh.waypointProcess("way") == nil }
            let through = load.counts.through
            try await load.expectAnswers(1000)
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
            #expect(counts.through <= through + 50, "\(counts)")
            #expect(try await mesh.waypointDevices() == [])
            #expect(mesh.gatewayStatus("way") == "")
            await server.stop()
        }
    }

    @Test("that are named but not ready have their services refused, and one that was killed comes back")
    func refusal() async throws {
        try await withMesh { mesh in
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            try service(mesh, waypoint: nil)
            try await untilThrough(mesh, false)
            // A listener that no waypoint has.
            try mesh.gateway("way", listener: "{ name: mesh, port: 80, protocol: HTTP }")
            try await Wait.eventually("conditions of the Gateway", seconds: 20) {
                let status = mesh.gatewayStatus("way")
                return status.contains("reason: UnsupportedProtocol") && status.contains("reason: Invalid")
            }
            try service(mesh, waypoint: "way")
            try await Wait.eventually("a refusal", seconds: 20) { try await get(mesh, "/early").status != 0 }
            try await Wait.eventually("its reason") {
                mesh.log(1).contains("unknown waypoint: shop/way.shop.svc.cluster.local")
            }
            #expect(!server.output.contains("early"))

            try mesh.gateway("way")
            try await mesh.untilProgrammed("way")
            try await untilThrough(mesh, true)
            let first = try #require(mesh.waypointProcess("way"))
            kill(first, SIGKILL)
            try await Wait.eventually("requests are refused", seconds: 10) { try await get(mesh, "/dead").status != 0 }
            try await Wait.eventually("another process", seconds: 30) {
                mesh.waypointProcess("way") != first && mesh.isProgrammed("way")
            }
            try await untilThrough(mesh, true)
            await server.stop()
        }
    }

    @Test("leave nothing behind, however the control plane ends")
    func leavesNothing() async throws {
        try await withMesh { mesh in
            try mesh.gateway("way")
            try await mesh.untilProgrammed("way")
            let orphan = try #require(mesh.waypointProcess("way"))
            await mesh.apusd?.stop(SIGKILL)
            #expect(mesh.isAlive(orphan))
            try mesh.startApusd()
            try await Wait.eventually("a waypoint of the new control plane", seconds: 60) {
                guard let process = mesh.waypointProcess("way") else { return false }
                return process != orphan && mesh.isProgrammed("way")
            }
            #expect(try await mesh.waypointDevices().count == 1)
            let last = try #require(mesh.waypointProcess("way"))
            await mesh.apusd?.stop(seconds: 15)
            #expect(mesh.apusd?.status == 0)
            for process in [orphan, last] {
                try await Wait.eventually("end of process \(process)") { !mesh.isAlive(process) }
            }
            #expect(mesh.waypointProcess("way") == nil)
            #expect(try await mesh.waypointDevices() == [])
        }
    }
}
