import ControlServe
import ControlTranslate
import Foundation
import MeshModel
import Testing

@Suite("Files of statuses")
struct StatusDirectoryTests {
    /// Removed with the last value of the test that made it.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("apus-status-\(UUID().uuidString)").path

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func text(_ place: String) throws -> String {
            try String(contentsOfFile: "\(path)/\(place)", encoding: .utf8)
        }

        func put(_ text: String, _ place: String) throws {
            let file = URL(fileURLWithPath: "\(path)/\(place)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        var files: [String] {
            (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? [])
                .filter { $0.hasSuffix(".yaml") }.sorted()
        }
    }

    private let folder = Folder()

    private func status(_ name: String, message: String = "", generation: Int = 0) -> RouteStatus {
        var status = RouteStatus(kind: .http, namespace: "shop", name: name, generation: generation)
        let reference = RouteParentReference(group: "", kind: "Service", name: "web", port: 80)
        status.parents = [
            RouteParentStatus(
                reference,
                conditions: [
                    RouteCondition(.accepted, true, .accepted),
                    RouteCondition(.resolvedReferences, false, .backendNotFound, message),
                ])
        ]
        return status
    }

    @Test("a file is written when it changes and at no other time, also after a restart")
    func writes() throws {
        var directory = StatusDirectory(path: folder.path)
        #expect(directory.update([status("a"), status("b")]).written == 2)
        for _ in 0..<3 { #expect(directory.update([status("b"), status("a")]) == StatusDirectory.Outcome()) }
        #expect(directory.update([status("a"), status("b", message: "x")]).written == 1)
        var restarted = StatusDirectory(path: folder.path)
        #expect(restarted.update([status("a"), status("b", message: "x")]) == StatusDirectory.Outcome())
        #expect(restarted.update([status("a")]).removed == 1)
        #expect(folder.files == ["HTTPRoute/shop/a.yaml"])
    }

    @Test("files of routes that went while nobody looked are removed; those of others stay")
    func leftovers() throws {
        var directory = StatusDirectory(path: folder.path)
        _ = directory.update([status("gone")])
        try folder.put("mine: true\n", "HTTPRoute/shop/mine.yaml")
        var restarted = StatusDirectory(path: folder.path)
        #expect(restarted.update([]).removed == 1)
        #expect(folder.files == ["HTTPRoute/shop/mine.yaml"])
    }

    @Test("the text is the resource with its status; whatever users wrote stays inside its quotes")
    func text() throws {
        var directory = StatusDirectory(path: folder.path)
        _ = directory.update([status("a", message: "\"x\"\n- type: é\\", generation: 7)])
        #expect(
            try folder.text("HTTPRoute/shop/a.yaml") == """
                # Written by apusd: what became of the route of this name.
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata:
                  namespace: "shop"
                  name: "a"
                status:
                  parents:
                    - controllerName: istio.io/gateway-controller
                      parentRef:
                        group: ""
                        kind: "Service"
                        name: "web"
                        port: 80
                      conditions:
                        - type: Accepted
                          status: "True"
                          reason: Accepted
                          message: ""
                          observedGeneration: 7
                        - type: ResolvedRefs
                          status: "False"
                          reason: BackendNotFound
                          message: "\\"x\\"\\u000A- type: \\u00E9\\\\"
                          observedGeneration: 7

                """)
    }

    @Test("a service that asks for a waypoint has one, which goes with the wish")
    func services() throws {
        let status = BindingStatus(
            kind: .service, namespace: "shop", name: "api", generation: 2, reason: .notReady, message: "wait")
        var directory = StatusDirectory(path: folder.path)
        #expect(directory.update([], [], [status]).written == 1)
        #expect(
            try folder.text("Service/shop/api.yaml") == """
                # Written by apusd: what became of the service of this name.
                apiVersion: v1
                kind: Service
                metadata:
                  namespace: "shop"
                  name: "api"
                status:
                  conditions:
                    - type: istio.io/WaypointBound
                      status: "False"
                      reason: WaypointIsNotReady
                      message: "wait"
                      observedGeneration: 2

                """)
        var restarted = StatusDirectory(path: folder.path)
        #expect(restarted.update([]).removed == 1)
    }

    @Test("what cannot be written is told and tried again")
    func failure() throws {
        try folder.put("", "HTTPRoute/shop")
        var directory = StatusDirectory(path: folder.path)
        let outcome = directory.update([status("a")])
        #expect(outcome.written == 0 && outcome.problems.count == 1)
        try FileManager.default.removeItem(atPath: "\(folder.path)/HTTPRoute/shop")
        #expect(directory.update([status("a")]).written == 1)
    }
}
