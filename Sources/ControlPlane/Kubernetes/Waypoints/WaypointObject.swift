internal import ControlSources
package import MeshModel

/// One of the objects that a waypoint's Gateway is made into.
package struct WaypointObject: Hashable, Sendable {
    /// What it is, by the key that an overlay has for it (istio.io, "Customizing generated resources").
    package enum Part: String, Hashable, Sendable, CaseIterable {
        case serviceAccount
        case service
        case deployment
        case horizontalPodAutoscaler
        case podDisruptionBudget

        /// These are made only where an overlay asks for them.
        var isOptional: Bool { self == .horizontalPodAutoscaler || self == .podDisruptionBudget }

        /// The kind with the versions that we write, best first.
        var kind: ResourceKind {
            switch self {
            case .serviceAccount:
                ResourceKind(kind: "ServiceAccount", plural: "serviceaccounts", group: "", versions: ["v1"])
            case .service: ResourceKind(kind: "Service", plural: "services", group: "", versions: ["v1"])
            case .deployment:
                ResourceKind(kind: "Deployment", plural: "deployments", group: "apps", versions: ["v1"])
            case .horizontalPodAutoscaler:
                ResourceKind(
                    kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers", group: "autoscaling",
                    versions: ["v2", "v2beta2"])
            case .podDisruptionBudget:
                ResourceKind(
                    kind: "PodDisruptionBudget", plural: "poddisruptionbudgets", group: "policy",
                    versions: ["v1", "v1beta1"])
            }
        }
    }

    package let part: Part
    package let name: String
    /// Without apiVersion and kind, which whoever writes it knows.
    package let value: JSONValue
}

/// What of a Gateway keeps it from being made into objects.
package struct WaypointParametersError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// Patches of the objects, out of the data of a ConfigMap.
package struct WaypointOverlay: Hashable, Sendable {
    /// Whom it is of, for people: `ConfigMap shop/options`.
    let origin: String
    let patches: [WaypointObject.Part: JSONValue]

    /// - Throws: when a key is none of an object, or a text is no YAML.
    package init(origin: String, data: [String: String]) throws(WaypointParametersError) {
        var patches: [WaypointObject.Part: JSONValue] = [:]
        for (key, text) in data.sorted(by: { $0.key < $1.key }) {
            guard let part = WaypointObject.Part(rawValue: key) else {
                let known = WaypointObject.Part.allCases.map(\.rawValue).joined(separator: ", ")
                throw WaypointParametersError(description: "\(origin): key \(key): expected one of \(known)")
            }
            patches[part] = try Self.patch(text, "\(origin): key \(key)")
        }
        self.origin = origin
        self.patches = patches
    }

    private static func patch(_ text: String, _ place: String) throws(WaypointParametersError) -> JSONValue {
        do {
            let value = try DataTree.yaml(text).value
            return value == .null ? [:] : value
        } catch {
            throw WaypointParametersError(description: "\(place): \(error)")
        }
    }
}
