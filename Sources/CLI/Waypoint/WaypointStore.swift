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

    func waypoints(in namespace: String?) -> [WaypointEntry] {
        let found = (try? WaypointGateway.all(in: folder, namespace: namespace)) ?? []
        return found.map { gateway, traffic, document in
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

/// An API server.
struct ClusterWaypoints: WaypointStore {
    /// In `metadata.managedFields`.
    private static let manager = "apus"

    private let client: APIClient
    private let gateways: ServedKind
    private let namespaces: ServedKind
    let title: String

    /// Errors: `CommandFailure` when the server cannot be asked, or has no Gateways.
    init(kubeconfig: String?, context: String?) async throws {
        let configuration: ClusterConfiguration
        do {
            configuration = try ClusterConfiguration.find(
                kubeconfig: kubeconfig, context: context, environment: ProcessInfo.processInfo.environment)
            client = try APIClient(configuration)
        } catch {
            throw CommandFailure("apus waypoint: \(error)")
        }
        title = configuration.server
        let kinds = ResourceKind.all.filter { $0.plural == "gateways" || $0.plural == "namespaces" }
        do {
            let served = try await client.served(kinds)
            guard let gateways = kinds.first(where: { $0.plural == "gateways" }).flatMap({ served[$0] }),
                let namespaces = kinds.first(where: { $0.plural == "namespaces" }).flatMap({ served[$0] })
            else {
                throw CommandFailure(
                    "apus waypoint: \(configuration.server) has no Gateways: install the Gateway API's definitions")
            }
            self.gateways = gateways
            self.namespaces = namespaces
        } catch {
            await client.close()
            if let failure = error as? CommandFailure { throw failure }
            throw CommandFailure("apus waypoint: \(configuration.server): \(error)")
        }
    }

    private func place(_ gateway: WaypointGateway) -> ObjectPlace {
        ObjectPlace(gateways, namespace: gateway.namespace, name: gateway.name)
    }

    func waypoints(in namespace: String?) async throws -> [WaypointEntry] {
        try await client.list(gateways, namespace: namespace).compactMap { object in
            guard WaypointGateway.classes.contains(object["spec"]?["gatewayClassName"]?.text ?? ""),
                let metadata = object["metadata"], let name = metadata["name"]?.text,
                let namespace = metadata["namespace"]?.text
            else { return nil }
            let labels = metadata["labels"]
            return WaypointEntry(
                gateway: WaypointGateway(namespace: namespace, name: name),
                traffic: labels?[WaypointGateway.trafficLabel]?.text ?? "service",
                revision: labels?[WaypointEntry.revisionLabel]?.text ?? "default")
        }
    }

    func conditions(of gateway: WaypointGateway) async throws -> [WaypointGateway.Condition] {
        let object = try await client.read(place(gateway))
        return (object["status"]?["conditions"]?.elements ?? []).map { condition in
            func word(_ key: String) -> String { condition[key]?.text ?? "" }
            return WaypointGateway.Condition(
                type: word("type"), status: word("status"), reason: word("reason"), message: word("message"))
        }
    }

    func apply(_ gateway: WaypointGateway, for traffic: String?, revision: String?) async throws {
        _ = try await client.send(
            .apply(gateway.object(for: traffic, revision: revision), at: place(gateway), manager: Self.manager))
    }

    func delete(_ gateway: WaypointGateway) async throws {
        do {
            _ = try await client.send(.delete(place(gateway)))
        } catch .missing {
            return
        }
    }

    func labels(of namespace: String) async throws -> NamespaceLabels {
        let object = try await client.read(ObjectPlace(namespaces, namespace: nil, name: namespace))
        let labels = object["metadata"]?["labels"]
        return NamespaceLabels(
            waypoint: labels?["istio.io/use-waypoint"]?.text,
            isAmbient: labels?["istio.io/dataplane-mode"]?.text == "ambient")
    }

    func enrol(_ namespace: String, in waypoint: String?) async throws {
        let label: JSONValue = ["istio.io/use-waypoint": waypoint.map { JSONValue.string($0) } ?? .null]
        _ = try await client.send(
            .merge(
                ["metadata": ["labels": label]], at: ObjectPlace(namespaces, namespace: nil, name: namespace),
                manager: Self.manager))
    }

    func close() async { await client.close() }
}
