/// gateway.networking.k8s.io Gateway, as far as the mesh has a use for it: as a waypoint.
package struct GatewayResource: MeshResource {
    package static let kind = "Gateway"

    /// spec.listeners[].
    package struct Listener: Hashable, Sendable {
        package var name: String
        package var port: UInt16?
        /// `protocol`, as it was written.
        package var protocolName: String
        /// allowedRoutes.namespaces: whose objects may use it.
        package var admission: NamespaceAdmission

        package init(
            name: String = "", port: UInt16?, protocolName: String, admission: NamespaceAdmission = .same
        ) {
            self.name = name
            self.port = port
            self.protocolName = protocolName
            self.admission = admission
        }

        /// The one listener that a waypoint has: HBONE on its port.
        package var isTunnel: Bool { protocolName == "HBONE" && port == 15008 }
    }

    /// spec.infrastructure: what holds for everything that is made for the Gateway.
    package struct Infrastructure: Hashable, Sendable {
        /// `nil`: the Gateway's own.
        package var labels: [String: String]?
        /// `nil`: the Gateway's own.
        package var annotations: [String: String]?
        package var parameters: Parameters?

        package init(
            labels: [String: String]? = nil, annotations: [String: String]? = nil, parameters: Parameters? = nil
        ) {
            self.labels = labels
            self.annotations = annotations
            self.parameters = parameters
        }
    }

    /// parametersRef: where patches of the made objects are, in the Gateway's namespace.
    package struct Parameters: Hashable, Sendable {
        package var group: String
        package var kind: String
        package var name: String

        package init(group: String, kind: String, name: String) {
            self.group = group
            self.kind = kind
            self.name = name
        }
    }

    package var metadata: ResourceMetadata
    /// spec.gatewayClassName.
    package var className: String = ""
    /// The port that HBONE comes to.
    package var tunnelPort: UInt16 = 15008
    package var listeners: [Listener] = []
    /// spec.addresses names something: what answers there is somebody else's.
    package var hasAddresses: Bool = false
    package var infrastructure: Infrastructure?

    package init(metadata: ResourceMetadata) { self.metadata = metadata }

    /// Of a class that makes a waypoint.
    package var isWaypoint: Bool { className == "istio-waypoint" || className == "apus-waypoint" }

    /// Whether objects of a namespace with these labels may use it, by the listener that HBONE comes to.
    package func admits(namespace: String, labels: [String: String]) -> Bool {
        let listener = listeners.first(where: \.isTunnel) ?? listeners.first
        switch listener?.admission ?? .same {
        case .same: return namespace == metadata.namespace
        case .all: return true
        case .none: return false
        case .selector(let selector):
            // Kubernetes gives every namespace this label.
            return selector.matches(labels.merging([Label.namespaceName: namespace]) { _, own in own })
        }
    }

    /// What its Deployment and its Service are called: the annotation gateway.istio.io/name-override, else its own
    /// name. Labels go on naming the Gateway.
    package var serviceName: String {
        let named = metadata.annotations[Annotation.gatewayNameOverride] ?? ""
        return named.isEmpty ? metadata.name : named
    }

    /// The service account of its pods: that of the annotation gateway.istio.io/service-account, else its own name.
    package var serviceAccount: String {
        let named = metadata.annotations[Annotation.gatewayServiceAccount] ?? ""
        return named.isEmpty ? metadata.name : named
    }
}
