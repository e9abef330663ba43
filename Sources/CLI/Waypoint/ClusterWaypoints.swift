import ControlKubernetes
import Foundation
import MeshModel

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
