import Foundation
import MeshTesting
import Testing

@Suite("Generated code")
struct GeneratedCodeTests {
    /// Makes it anew in a folder of its own; the file names and texts that came out.
    private func generate() async throws -> [String: String] {
        let folder = try TemporaryDirectory()
        let plugins = try ["protoc-gen-swift", "protoc-gen-grpc-swift-2"].map(Repository.program)
        let place = URL(fileURLWithPath: plugins[0]).deletingLastPathComponent().path
        _ = try await offload {
            try Shell.run([
                "PROTOC_PLUGINS=\(place)", "\(Repository.root)/tools/generate-protobuf", folder.path,
            ])
        }
        return try texts(in: folder.path)
    }

    private func texts(in folder: String) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".swift") {
            texts[name] = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        return texts
    }

    @Test("is what tools/generate-protobuf makes of the protos: nothing changed by hand, nothing forgotten")
    func isFresh() async throws {
        let made = try await generate()
        let committed = try texts(in: "\(Repository.root)/Sources/Shared/Wire")
        #expect(made.count >= 8)
        #expect(Set(made.keys) == Set(committed.keys), "run tools/generate-protobuf, and remove what is left over")
        for (name, text) in made {
            // A value of its own: nobody wants to read both texts.
            let isSame = text == committed[name]
            #expect(isSame, "run tools/generate-protobuf and commit what it makes of \(name)")
        }
    }
}
