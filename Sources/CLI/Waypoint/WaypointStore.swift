import ControlKubernetes
import Foundation
import MeshModel

/// What a namespace's labels say of the mesh.
struct NamespaceLabels: Equatable {
    /// Of `istio.io/use-waypoint`.
    var waypoint: String?
    /// Its pods are captured at all.
    var isAmbient: Bool
}

/// A waypoint's Gateway with what is shown of it.
struct WaypointEntry {
    let gateway: WaypointGateway
    /// Whom it is for.
    let traffic: String
    let revision: String

    static let revisionLabel = "istio.io/rev"
}

/// Where waypoints are: the directory that apusd reads, or a cluster.
protocol WaypointStore {
    /// Of one namespace, or of all, by namespace and name.
    func waypoints(in namespace: String?) async throws -> [WaypointEntry]
    /// What the control plane says of it; empty while it has said nothing.
    func conditions(of gateway: WaypointGateway) async throws -> [WaypointGateway.Condition]
    func apply(_ gateway: WaypointGateway, for traffic: String?, revision: String?) async throws
    func delete(_ gateway: WaypointGateway) async throws
    func labels(of namespace: String) async throws -> NamespaceLabels
    /// Labels the namespace, or takes the label away.
    func enrol(_ namespace: String, in waypoint: String?) async throws
    /// For messages.
    var title: String { get }
    /// Must be called once, at the end.
    func close() async
}

extension WaypointStore {
    func isProgrammed(_ gateway: WaypointGateway) async throws -> Bool {
        try await conditions(of: gateway).contains { $0.type == "Programmed" && $0.status == "True" }
    }

    /// Waits until the control plane says that it takes traffic.
    func waitUntilProgrammed(_ gateway: WaypointGateway, seconds: Int) async throws {
        let end = Date().addingTimeInterval(Double(seconds))
        while try await !isProgrammed(gateway) {
            guard Date() < end else {
                let last = try await conditions(of: gateway).first { $0.type == "Programmed" }
                throw CommandFailure(
                    "apus waypoint: \(gateway.namespace)/\(gateway.name) is not programmed after \(seconds) s: "
                        + (last.map { "\($0.reason): \($0.message)" } ?? "apusd has said nothing in \(title)"))
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// The directory that apusd reads, and the one that it writes statuses to.
struct FolderWaypoints: WaypointStore {
    let folder: ResourceFolder
    let statusPath: String?

    var title: String { folder.path }

    func waypoints(in namespace: String?) throws -> [WaypointEntry] {
        try WaypointGateway.all(in: folder, namespace: namespace).map { gateway, traffic, document in
            let revision = document.text("metadata", "labels", WaypointEntry.revisionLabel) ?? "default"
            return WaypointEntry(gateway: gateway, traffic: traffic, revision: revision)
        }
    }

    func conditions(of gateway: WaypointGateway) throws -> [WaypointGateway.Condition] {
        guard let statusPath else {
            throw CommandFailure("apus waypoint: expected --status DIR, where apusd says what became of it")
        }
        return gateway.conditions(in: statusPath)
    }

    func apply(_ gateway: WaypointGateway, for traffic: String?, revision: String?) throws {
        try folder.write(gateway.file, [gateway.yaml(for: traffic, revision: revision)])
    }

    func delete(_ gateway: WaypointGateway) throws {
        // Looked up anew: what was removed before may have moved it within its file.
        let documents = try WaypointGateway.all(in: folder, namespace: gateway.namespace)
        guard let found = documents.first(where: { $0.gateway.name == gateway.name }) else { return }
        try folder.remove(found.document)
    }

    func labels(of namespace: String) throws -> NamespaceLabels {
        let enrolment = NamespaceEnrolment(folder: folder, namespace: namespace)
        return NamespaceLabels(waypoint: try enrolment.waypoint(), isAmbient: try enrolment.isAmbient())
    }

    func enrol(_ namespace: String, in waypoint: String?) throws {
        try NamespaceEnrolment(folder: folder, namespace: namespace).set(waypoint)
    }

    func close() {}
}
