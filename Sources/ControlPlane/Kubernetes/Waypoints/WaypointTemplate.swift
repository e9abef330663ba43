package import ControlTranslate
internal import MeshModel

/// The objects that a waypoint's Gateway is made into, with the names, labels and ports that Istio gives them
/// (`manifests/charts/istio-control/istio-discovery/files/waypoint.yaml`), so that what knows those knows these. Pure.
package struct WaypointTemplate {
    static let managedLabel = "gateway.istio.io/managed"
    static let manager = "istio.io-mesh-controller"
    static let nameLabel = "gateway.networking.k8s.io/gateway-name"
    private static let classLabel = "gateway.networking.k8s.io/gateway-class-name"
    private static let reservedPrefix = "gateway.networking.k8s.io/"

    let gateway: GatewayResource
    let settings: WaypointDeploySettings

    /// - Parameter overlays: in the order in which they are laid over.
    /// - Throws: what of the overlays is not usable.
    package static func objects(
        _ gateway: GatewayResource, _ settings: WaypointDeploySettings, _ overlays: [WaypointOverlay] = []
    ) throws(WaypointParametersError) -> [WaypointObject] {
        let template = WaypointTemplate(gateway: gateway, settings: settings)
        var objects: [WaypointObject] = []
        for part in WaypointObject.Part.allCases {
            // An account that the Gateway names is somebody else's.
            if part == .serviceAccount, gateway.serviceAccount != template.name { continue }
            if part.isOptional, !overlays.contains(where: { $0.patches[part] != nil }) { continue }
            var value = template.value(part)
            for overlay in overlays {
                if let patch = overlay.patches[part] { value = try template.merged(value, patch, part, overlay) }
            }
            objects.append(WaypointObject(part: part, name: template.name(of: part), value: value))
        }
        return objects
    }

    var name: String { gateway.metadata.name }

    /// The account keeps the Gateway's name, as Istio's does.
    func name(of part: WaypointObject.Part) -> String { part == .serviceAccount ? name : gateway.serviceName }

    private func merged(
        _ value: JSONValue, _ patch: JSONValue, _ part: WaypointObject.Part, _ overlay: WaypointOverlay
    ) throws(WaypointParametersError) -> JSONValue {
        func refusal(_ text: String) -> WaypointParametersError {
            WaypointParametersError(description: "\(overlay.origin): key \(part.rawValue): \(text)")
        }
        var merged: JSONValue
        do {
            merged = try StrategicMerge.merged(value, patch)
        } catch {
            throw refusal("\(error.path.isEmpty ? "" : "\(error.path): ")\(error.reason)")
        }
        let says: [(String, JSONValue?, String)] = [
            ("kind", merged["kind"], part.kind.kind), ("metadata.name", merged["metadata"]?["name"], name(of: part)),
            ("metadata.namespace", merged["metadata"]?["namespace"], gateway.metadata.namespace),
            ("metadata.labels", merged["metadata"]?["labels"]?[Self.managedLabel] ?? .null, Self.manager),
        ]
        for (field, found, expected) in says where found != nil && found?.text != expected {
            throw refusal("\(field) may not be changed")
        }
        var members = merged.members ?? [:]
        members["kind"] = nil
        members["apiVersion"] = nil
        merged = .object(members)
        return merged
    }

    private func value(_ part: WaypointObject.Part) -> JSONValue {
        switch part {
        case .serviceAccount: ["metadata": metadata()]
        case .service: service
        case .deployment: deployment
        case .horizontalPodAutoscaler: ["metadata": metadata(), "spec": ["scaleTargetRef": target, "maxReplicas": 1]]
        case .podDisruptionBudget:
            ["metadata": metadata(), "spec": ["selector": ["matchLabels": JSONValue(selector)]]]
        }
    }

    private var target: JSONValue {
        ["apiVersion": "apps/v1", "kind": "Deployment", "name": .string(gateway.serviceName)]
    }

    // MARK: - Metadata

    var selector: [String: String] { [Self.nameLabel: name] }

    /// What the Gateway wants on everything that is made for it: what its infrastructure says, else its own.
    var wantedLabels: [String: String] {
        gateway.infrastructure?.labels ?? gateway.metadata.labels.filter { !$0.key.hasPrefix(Self.reservedPrefix) }
    }

    var wantedAnnotations: [String: String] {
        gateway.infrastructure?.annotations
            ?? gateway.metadata.annotations.filter { !$0.key.hasPrefix(Self.reservedPrefix) && !isOfTool($0.key) }
    }

    /// What kubectl keeps for itself is of the Gateway alone.
    private func isOfTool(_ annotation: String) -> Bool { annotation.hasPrefix("kubectl.kubernetes.io/") }

    var labels: [String: String] {
        var labels = wantedLabels
        labels[Self.nameLabel] = name
        labels[Self.classLabel] = gateway.className
        labels[Self.managedLabel] = Self.manager
        return labels
    }

    private func metadata(
        labels more: [String: String] = [:], annotations: [String: String] = [:]
    ) -> JSONValue {
        var members: [String: JSONValue] = ["labels": JSONValue(labels.merging(more) { _, new in new })]
        let annotations = wantedAnnotations.merging(annotations) { own, _ in own }
        if !annotations.isEmpty { members["annotations"] = JSONValue(annotations) }
        if !gateway.metadata.uid.isEmpty {
            let owner: JSONValue = [
                "apiVersion": .string(settings.ownerVersion), "kind": "Gateway", "name": .string(name),
                "uid": .string(gateway.metadata.uid),
            ]
            members["ownerReferences"] = [owner]
        }
        return .object(members)
    }

    // MARK: - Service

    private var service: JSONValue {
        var more: [String: String] = [:]
        more["istio.io/waypoint-for"] = gateway.metadata.labels["istio.io/waypoint-for"]
        let type = gateway.metadata.annotations["networking.istio.io/service-type"] ?? "ClusterIP"
        let listener = gateway.listeners.first?.name ?? ""
        let tunnel: JSONValue = [
            "name": .string(listener.isEmpty ? "mesh" : listener), "port": JSONValue(Int(gateway.tunnelPort)),
            "protocol": "TCP", "appProtocol": "hbone",
        ]
        let status: JSONValue = [
            "name": "status-port", "port": 15021, "protocol": "TCP", "appProtocol": "tcp",
        ]
        let spec: JSONValue = [
            "type": .string(type), "ipFamilyPolicy": "PreferDualStack", "selector": JSONValue(selector),
            "ports": [status, tunnel],
        ]
        let annotations = ["networking.istio.io/traffic-distribution": "PreferClose"]
        return ["metadata": metadata(labels: more, annotations: annotations), "spec": spec]
    }

    // MARK: - Deployment

    private var deployment: JSONValue {
        // How many there are is left to whoever scales it: a person or an autoscaler.
        let spec: JSONValue = [
            "selector": ["matchLabels": JSONValue(selector)],
            "minReadySeconds": JSONValue(settings.newPodSeconds),
            "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 0]],
            "template": ["metadata": podMetadata, "spec": podSpec],
        ]
        return ["metadata": metadata(), "spec": spec]
    }

    private var podMetadata: JSONValue {
        let own = [
            "sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none",
            // Whoever reaches it, reaches it by HBONE.
            "networking.istio.io/tunnel": "http", "service.istio.io/canonical-name": gateway.serviceName,
            "service.istio.io/canonical-revision": "latest",
        ]
        var podLabels = labels.merging(own) { _, own in own }
        if !settings.network.isEmpty { podLabels["topology.istio.io/network"] = settings.network }
        let annotations = [
            "istio.io/rev": "default", "prometheus.io/path": "/stats/prometheus", "prometheus.io/port": "15020",
            "prometheus.io/scrape": "true",
        ]
        return [
            "labels": JSONValue(podLabels),
            "annotations": JSONValue(wantedAnnotations.merging(annotations) { own, _ in own }),
        ]
    }
}
