import Foundation
import MeshTesting

/// The objects of one kind, kept up to date by a watch of the API server (kubernetes.io, "Efficient detection of
/// changes").
final class ObjectWatch {
    /// By `NAMESPACE/NAME`.
    private(set) var objects: [String: ObjectTree] = [:]
    private let process: MeshProcess
    private let file: FileHandle
    private var rest = Data()

    init(_ server: APIServer, _ path: String) throws {
        let output = "\(server.directory.path)/watch-\(UUID())"
        process = try MeshProcess(
            "watch of \(path)", in: server.namespace, output: output,
            server.curl + ["-N", "https://127.0.0.1:6443\(path)?watch=1&resourceVersion=0"])
        file = try FileHandle(forReadingFrom: URL(fileURLWithPath: output))
    }

    /// Takes what was told since the last call. Returns the objects that changed, those that went with `nil`.
    func changes() throws -> [(key: String, object: ObjectTree?)] {
        guard process.isRunning else {
            throw APIServer.Missing(description: "a watch ended: \(process.output.suffix(300))")
        }
        rest += try file.readToEnd() ?? Data()
        var changes: [(String, ObjectTree?)] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let event = try JSONDecoder().decode(ObjectTree.self, from: rest[..<end])
            rest = Data(rest[rest.index(after: end)...])
            guard let kind = event["type"]?.text, let object = event["object"], kind != "ERROR",
                let name = object["metadata", "name"]?.text
            else { throw APIServer.Missing(description: "a watch failed: \(try event.json().prefix(300))") }
            let key = (object["metadata", "namespace"]?.text).map { "\($0)/\(name)" } ?? name
            let present = kind == "DELETED" ? nil : object
            objects[key] = present
            changes.append((key, present))
        }
        return changes
    }
}
