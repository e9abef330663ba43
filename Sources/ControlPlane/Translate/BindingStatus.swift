/// What the author of a Service or ServiceEntry that asks for a waypoint should know of it. One that asks for none has
/// no status.
package struct BindingStatus: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case service = "Service"
        case serviceEntry = "ServiceEntry"
    }

    /// In Istio's words (`pilot/pkg/serviceregistry/ambient/statuses.go`).
    package enum Reason: String, Hashable, Sendable {
        case accepted = "WaypointAccepted"
        /// It is not there, or takes no traffic.
        case notReady = "WaypointIsNotReady"
        /// It is for workloads, or for nobody.
        case unsupportedTrafficType = "UnsupportedTrafficType"
        /// The waypoint's listener does not let objects of this namespace in. As at Istio, connections then go past it.
        case attachmentDenied = "AttachmentDenied"
    }

    /// Istio's condition.
    package static let condition = "istio.io/WaypointBound"

    package var kind: Kind
    package var namespace: String
    package var name: String
    /// metadata.generation; 0 when unknown.
    package var generation: Int
    package var reason: Reason
    package var message: String

    package init(
        kind: Kind, namespace: String, name: String, generation: Int = 0, reason: Reason, message: String
    ) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.generation = generation
        self.reason = reason
        self.message = message
    }

    /// Whether connections to it go through the waypoint.
    package var isTrue: Bool { reason == .accepted }
}
