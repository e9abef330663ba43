package import MeshModel

/// What the author of a waypoint's Gateway should know of it.
package struct GatewayStatus: Hashable, Sendable {
    package var namespace: String
    package var name: String
    /// metadata.generation; 0 when unknown.
    package var generation: Int
    package var conditions: [GatewayCondition] = []
    package var listeners: [GatewayListenerStatus] = []
    package var addresses: [IPAddress] = []

    package init(namespace: String, name: String, generation: Int = 0) {
        self.namespace = namespace
        self.name = name
        self.generation = generation
    }
}

/// A listener by its name, or by its place where it has none.
package struct GatewayListenerStatus: Hashable, Sendable {
    package var name: String
    package var conditions: [GatewayCondition]

    package init(name: String, conditions: [GatewayCondition]) {
        self.name = name
        self.conditions = conditions
    }
}

/// What keeps a Gateway from being made into pods.
package struct WaypointProblem: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// What the Gateway asks for: its parameters, or a name that is taken.
        case parameters
        /// The API server does not take it.
        case objects
    }

    package var cause: Cause
    package var message: String

    package init(_ cause: Cause, _ message: String) {
        self.cause = cause
        self.message = message
    }
}

/// A condition of a Gateway or of a listener, in the words of the Gateway API.
package struct GatewayCondition: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case accepted = "Accepted"
        case programmed = "Programmed"
    }

    package enum Reason: String, Hashable, Sendable {
        case accepted = "Accepted"
        case programmed = "Programmed"
        case pending = "Pending"
        case invalid = "Invalid"
        case unsupportedAddress = "UnsupportedAddress"
        case unsupportedProtocol = "UnsupportedProtocol"
        case addressNotAssigned = "AddressNotAssigned"
        case invalidParameters = "InvalidParameters"
    }

    package var kind: Kind
    package var isTrue: Bool
    package var reason: Reason
    package var message: String

    package init(_ kind: Kind, _ isTrue: Bool, _ reason: Reason, _ message: String = "") {
        self.kind = kind
        self.isTrue = isTrue
        self.reason = reason
        self.message = message
    }
}
