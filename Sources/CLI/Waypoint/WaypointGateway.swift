import Foundation
import MeshModel
import Yams

/// A waypoint's Gateway as this tool writes and reads it.
struct WaypointGateway {
    let namespace: String
    let name: String

    static let classes: Set<String> = ["istio-waypoint", "apus-waypoint"]
    static let trafficLabel = "istio.io/waypoint-for"

    var file: String { "waypoint-\(namespace)-\(name).yaml" }

    /// - Parameters:
    ///   - traffic: whom it is for; `nil`: services, as everywhere.
    ///   - revision: of the control plane that runs it; `nil`: whichever there is.
    func yaml(for traffic: String?, revision: String? = nil) -> String {
        let lines = labels(traffic, revision).sorted { $0.key < $1.key }.map { "\n    \($0.key): \($0.value)" }
        let labels = lines.isEmpty ? "" : "\n  labels:" + lines.joined()
        return """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata:
              name: \(name)
              namespace: \(namespace)\(labels)
            spec:
              gatewayClassName: istio-waypoint
              listeners:
              - name: mesh
                port: 15008
                protocol: HBONE

            """
    }

    /// The same as an object of the API.
    func object(for traffic: String?, revision: String?) -> JSONValue {
        let labels = labels(traffic, revision)
        let listener: JSONValue = ["name": "mesh", "port": 15008, "protocol": "HBONE"]
        var members: [String: JSONValue] = [
            "spec": ["gatewayClassName": "istio-waypoint", "listeners": [listener]]
        ]
        if !labels.isEmpty { members["metadata"] = ["labels": JSONValue(labels)] }
        return .object(members)
    }

    private func labels(_ traffic: String?, _ revision: String?) -> [String: String] {
        var labels: [String: String] = [:]
        labels[Self.trafficLabel] = traffic
        labels[WaypointEntry.revisionLabel] = revision
        return labels
    }

    /// All of the directory's, with whom they are for; of one namespace, or of all.
    static func all(
        in folder: ResourceFolder, namespace: String?
    ) throws -> [(gateway: WaypointGateway, traffic: String, document: ResourceFolder.Document)] {
        try folder.documents(kind: "Gateway").compactMap { document in
            guard classes.contains(document.text("spec", "gatewayClassName") ?? ""),
                let name = document.text("metadata", "name")
            else { return nil }
            let place = document.text("metadata", "namespace") ?? "default"
            guard namespace == nil || namespace == place else { return nil }
            let traffic = document.text("metadata", "labels", trafficLabel) ?? "service"
            return (WaypointGateway(namespace: place, name: name), traffic, document)
        }
    }

    /// A condition that apusd wrote.
    struct Condition {
        let type, status, reason, message: String
    }

    /// What apusd says of it; empty while it has said nothing.
    func conditions(in statusPath: String) -> [Condition] {
        let path = "\(statusPath)/Gateway/\(namespace)/\(name).yaml"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), let node = try? Yams.compose(yaml: text)
        else { return [] }
        let list = node.mapping?[Node("status")]?.mapping?[Node("conditions")]?.sequence ?? []
        return list.map { entry in
            func word(_ key: String) -> String { entry.mapping?[Node(key)]?.scalar?.string ?? "" }
            return Condition(
                type: word("type"), status: word("status"), reason: word("reason"), message: word("message"))
        }
    }
}
