/// networking.k8s.io/v1 NetworkPolicy, as far as it decides whether HBONE comes through (kubernetes.io, "Network
/// Policies").
package struct NetworkPolicyResource: MeshResource {
    package static let kind = "NetworkPolicy"

    /// One entry of `ports`.
    package struct Port: Hashable, Sendable {
        package enum Target: Hashable, Sendable {
            case every
            case numbers(ClosedRange<Int>)
            /// Of a port of the pod that is connected to.
            case name(String)
        }

        package var isTCP: Bool
        package var target: Target

        package init(isTCP: Bool = true, target: Target = .every) {
            self.isTCP = isTCP
            self.target = target
        }
    }

    /// One entry of `ingress` or `egress`.
    package struct Rule: Hashable, Sendable {
        /// `nil`: every port.
        package var ports: [Port]?
        /// Its peers are everybody, or some are told by labels; else they are blocks of addresses.
        package var isForPods: Bool

        package init(ports: [Port]? = nil, isForPods: Bool = true) {
            self.ports = ports
            self.isForPods = isForPods
        }
    }

    package var metadata: ResourceMetadata
    /// Of pods of its namespace; empty: all of them.
    package var selector = LabelSelector()
    /// `nil`: the policy says nothing of this direction; no rules let nothing through.
    package var ingress: [Rule]?
    package var egress: [Rule]?

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}
