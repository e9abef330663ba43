/// What the author of an AuthorizationPolicy should know of it.
package struct PolicyStatus: Hashable, Sendable {
    /// Who enforces it, as the condition that says so (Istio's `pkg/config/schema`, conditions of policies).
    package enum Kind: String, Hashable, Sendable {
        case node = "ZtunnelAccepted"
        case waypoint = "WaypointAccepted"
    }

    /// In Istio's words.
    package enum Reason: String, Hashable, Sendable {
        case accepted = "Accepted"
        /// A part of it cannot be judged at L4, or is not understood.
        case unsupportedValue = "UnsupportedValue"
        /// A part of it is not understood.
        case invalid = "Invalid"
        /// Not bound to some of its targets.
        case partiallyInvalid = "PartiallyInvalid"
        /// A target has no waypoint.
        case ancestorNotBound = "AncestorNotBound"
        case targetNotFound = "TargetNotFound"
    }

    package var kind: Kind
    package var namespace: String
    package var name: String
    /// metadata.generation; 0 when unknown.
    package var generation: Int
    package var reason: Reason
    package var message: String

    package init(
        _ kind: Kind, namespace: String, name: String, generation: Int, reason: Reason, message: String = ""
    ) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.generation = generation
        self.reason = reason
        self.message = message
    }

    /// Whether all, or for a waypoint at least a part, is in force as written.
    package var isTrue: Bool { reason == .accepted || reason == .partiallyInvalid }

    /// - Parameters:
    ///   - kind: who would enforce it.
    ///   - errors: what was not understood or cannot be judged, in words.
    ///   - unbound: targets that it is not enforced for.
    init(
        _ kind: Kind, _ resource: AuthorizationPolicyResource, errors: [String], unbound: [PolicyAttachment.Unbound]
    ) {
        self.init(
            kind, namespace: resource.metadata.namespace, name: resource.metadata.name,
            generation: resource.metadata.generation, reason: .accepted)
        let targets = unbound.map { "targets \($0.what); it is not enforced there" }
        message = (errors + targets).joined(separator: "; ")
        if !errors.isEmpty {
            reason = kind == .node ? .unsupportedValue : .invalid
        } else if let first = unbound.first {
            reason = unbound.count < resource.targets.count ? .partiallyInvalid : first.reason
        }
    }
}
