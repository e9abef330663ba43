import ControlSources
import ControlTranslate
import Foundation
import MeshModel
import Testing

/// Each fixture is a YAML file and the world it makes. `UPDATE_GOLDEN=1` writes the second anew, for reading the diff.
@Suite struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/Translate")

    @Test(
        "a file of resources makes the world written beside it",
        arguments: [
            "shop", "policies", "closed", "peer-authentication", "endpoints", "entries", "waypoints", "enrolment",
            "waypoint-policies", "gateways", "routes", "routes-broken", "request-authentication", "authorizers",
            "traffic", "traffic-broken", "network-policies",
        ])
    func golden(_ name: String) throws {
        let input = try String(
            contentsOf: Self.folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
        let file = ResourceFile.parse(text: input, path: "\(name).yaml")
        let merged = ResourceSet.merging([file.resources])
        var settings = TranslateSettings()
        settings.proven = [PodKey(namespace: "shop", name: "web-1"), PodKey(namespace: "shop", name: "host-1")]
        var world = Translate.translate(merged.resources, settings)
        world.findings = (world.findings + merged.findings + file.findings).sorted()
        let text = WorldText.describe(world)
        let golden = Self.folder.appendingPathComponent("\(name).world")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try text.write(to: golden, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: golden, encoding: .utf8).split(separator: "\n")
        let actual = text.split(separator: "\n")
        let difference = actual.difference(from: expected)
        #expect(difference.isEmpty, "\(name): \(difference)")
    }
}
