package import MeshModel

/// networking.istio.io DestinationRule, as far as a waypoint has a use for it.
package struct DestinationRuleResource: MeshResource {
    package static let kind = "DestinationRule"

    package var metadata: ResourceMetadata
    /// As written: a short name, a full one, or `*.NAME`.
    package var host: String = ""
    /// `nil`: no trafficPolicy.
    package var policy: TrafficPolicy?
    /// portLevelSettings: each instead of the policy above, whole.
    package var ports: [UInt16: TrafficPolicy] = [:]
    /// Empty: to all namespaces.
    package var exportTo: [String] = []
    package var hasSubsets: Bool = false
    package var hasWorkloadSelector: Bool = false

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// apus.io TrafficGuard: limits and faults of services in its own namespace.
package struct TrafficGuardResource: MeshResource {
    package static let kind = "TrafficGuard"

    /// A Service or a ServiceEntry.
    package struct Target: Hashable, Sendable {
        package var kind: String
        package var name: String

        package init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    package var metadata: ResourceMetadata
    package var targets: [Target] = []
    package var limits: TrafficGuard = TrafficGuard()

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}
