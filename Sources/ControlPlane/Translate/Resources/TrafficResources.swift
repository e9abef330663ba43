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

    /// A Service and one of its ports.
    package struct RateLimitService: Hashable, Sendable {
        package var namespace: String
        package var name: String
        package var port: UInt16

        package init(namespace: String, name: String, port: UInt16) {
            self.namespace = namespace
            self.name = name
            self.port = port
        }
    }

    package var metadata: ResourceMetadata
    package var targets: [Target] = []
    /// The global rate limit names nobody to ask yet.
    package var limits: TrafficGuard = TrafficGuard()
    /// Who is asked about the global rate limit; `nil`: there is none, or it could not be read.
    package var rateLimitService: RateLimitService?

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}
