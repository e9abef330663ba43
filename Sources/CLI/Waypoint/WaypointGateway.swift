import Foundation
import Yams

/// A waypoint's Gateway as this tool writes and reads it.
struct WaypointGateway {
    let namespace: String
    let name: String

    static let classes: Set<String> = ["istio-waypoint", "apus-waypoint"]
    static let trafficLabel = "istio.io/waypoint-for"

    var file: String { "waypoint-\(namespace)-\(name).yaml" }

    /// - Parameter traffic: whom it is for; `nil`: services, as everywhere.
    func yaml(for traffic: String?) -> String {
        let labels = traffic.map { "\n  labels:\n    \(Self.trafficLabel): \($0)" } ?? ""
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

    func isProgrammed(in statusPath: String) -> Bool {
        conditions(in: statusPath).contains { $0.type == "Programmed" && $0.status == "True" }
    }

    /// Waits until apusd says that it takes traffic.
    func waitUntilProgrammed(in statusPath: String, seconds: Int) throws {
        let end = Date().addingTimeInterval(Double(seconds))
        while !isProgrammed(in: statusPath) {
            guard Date() < end else {
                let last = conditions(in: statusPath).first { $0.type == "Programmed" }
                throw CommandFailure(
                    "apus waypoint: \(namespace)/\(name) is not programmed after \(seconds) s: "
                        + (last.map { "\($0.reason): \($0.message)" } ?? "apusd has said nothing in \(statusPath)"))
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }
}
