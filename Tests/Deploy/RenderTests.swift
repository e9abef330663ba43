import Foundation
import MeshTesting
import Testing

@Suite("Manifests as kubectl renders them", .enabled(if: Repository.kubectl != nil))
struct RenderTests {
    private static let overlays = [
        "base": "deploy/base", "minimal": "deploy/overlays/minimal", "monitoring": "deploy/overlays/monitoring",
        "istio-cni": "deploy/overlays/istio-cni", "admission": "deploy/overlays/admission",
    ]

    @Test("apus install prints them byte for byte", arguments: overlays.keys.sorted())
    func same(overlay: String) throws {
        let kubectl = try #require(Repository.kubectl)
        let folder = try #require(Self.overlays[overlay])
        let rendered = try Shell.run([kubectl, "kustomize", "\(Repository.root)/\(folder)"])
        let printed = try Shell.run([try MeshPrograms().apus, "install", "--overlay", overlay])
        // A value of its own: nobody wants to read both texts.
        let isSame = rendered == printed
        #expect(isSame, "run tools/generate-manifests and commit what it makes")
    }

    @Test("the committed source is what tools/generate-manifests makes")
    func isFresh() throws {
        let folder = try TemporaryDirectory()
        let made = "\(folder.path)/made.swift"
        try Shell.run(["\(Repository.root)/tools/generate-manifests", made])
        let committed = try Repository.text("Sources/CLI/Install/RenderedManifests.generated.swift")
        let isSame = try String(contentsOfFile: made, encoding: .utf8) == committed
        #expect(isSame, "run tools/generate-manifests and commit what it makes")
    }

    @Test("every overlay is rendered here")
    func allOverlays() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: "\(Repository.root)/deploy/overlays")
        #expect(Set(found) == Set(Self.overlays.keys).subtracting(["base"]))
    }
}
