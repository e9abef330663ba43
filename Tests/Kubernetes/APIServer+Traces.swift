import Foundation
import MeshTesting

extension APIServer {
    /// What an object is called and what is written on it.
    struct Trace: Hashable, CustomStringConvertible {
        /// Base, plural, namespace and name.
        let path: String
        let marks: ObjectTree

        var description: String { "\(path) \((try? marks.json()) ?? "")" }
    }

    /// What the server itself and its controllers write all the time.
    private static let restless: Set = ["events", "leases", "componentstatuses"]

    /// Every object of the server.
    func traces() async throws -> Set<Trace> {
        var traces: Set<Trace> = []
        for (base, plural) in try await resources() {
            let list = try ObjectTree(json: try await call("GET", "\(base)/\(plural)").text)
            for item in list["items"]?.items ?? [] {
                let metadata = item["metadata"]
                let place = [base, plural, metadata?["namespace"]?.text ?? "", metadata?["name"]?.text ?? "?"]
                let marks = ["labels", "annotations", "finalizers"].map { metadata?[$0] ?? .null }
                traces.insert(Trace(path: place.joined(separator: " "), marks: .list(marks)))
            }
        }
        return traces
    }

    /// Paths of what can be listed.
    private func resources() async throws -> [(base: String, plural: String)] {
        let groups = try ObjectTree(json: try await call("GET", "/apis").text)["groups"]?.items ?? []
        let versions = groups.compactMap { $0["preferredVersion", "groupVersion"]?.text }
        let bases = ["/api/v1"] + versions.map { "/apis/\($0)" }
        var found: [(String, String)] = []
        for base in bases {
            let list = try ObjectTree(json: try await call("GET", base).text)["resources"]?.items ?? []
            for resource in list where resource["verbs"]?.texts.contains("list") == true {
                guard let name = resource["name"]?.text, !Self.restless.contains(name) else { continue }
                found.append((base, name))
            }
        }
        return found
    }
}
