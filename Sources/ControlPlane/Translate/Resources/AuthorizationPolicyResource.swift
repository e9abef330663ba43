package import MeshModel

/// security.istio.io AuthorizationPolicy as written, with what could not be understood kept beside what could.
package struct AuthorizationPolicyResource: MeshResource {
    package static let kind = "AuthorizationPolicy"

    package enum Action: Hashable, Sendable {
        case allow, deny, audit, custom
        /// Anything else that was written.
        case unknown(String)
    }

    package var metadata: ResourceMetadata
    package var action: Action = .allow
    /// `nil` or empty: every workload of the scope.
    package var selector: [String: String]?
    /// targetRef or targetRefs is there: the policy belongs to a waypoint.
    package var hasTargetReferences: Bool = false
    package var targets: [RequestPolicy.Target] = []
    /// Of action CUSTOM: the name of the external authorizer.
    package var provider: String?
    package var rules: [Rule] = []
    /// Outside of rules: in the spec itself or in the selector.
    package var problems: [FieldProblem] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

extension AuthorizationPolicyResource {
    /// from AND to AND when; an empty list does not restrict.
    package struct Rule: Hashable, Sendable {
        package var from: [Source] = []
        package var to: [Operation] = []
        package var when: [Condition] = []
        /// In the rule itself, outside of the parts above.
        package var problems: [FieldProblem] = []
        package var line: Int = 0

        package init() {}
    }

    /// Every list that is not empty must hold.
    package struct Source: Hashable, Sendable {
        package var principals: Values = Values()
        package var requestPrincipals: Values = Values()
        package var namespaces: Values = Values()
        package var serviceAccounts: Values = Values()
        package var trustDomains: Values = Values()
        package var ipBlocks: Values = Values()
        package var remoteIPBlocks: Values = Values()
        package var problems: [FieldProblem] = []

        package init() {}
    }

    package struct Operation: Hashable, Sendable {
        package var hosts: Values = Values()
        package var ports: Values = Values()
        package var methods: Values = Values()
        package var paths: Values = Values()
        package var problems: [FieldProblem] = []

        package init() {}
    }

    package struct Condition: Hashable, Sendable {
        package var key: String = ""
        /// Path from the resource's root, for messages.
        package var field: String = "spec.rules.when"
        package var values: Values = Values()
        package var problems: [FieldProblem] = []
        package var line: Int = 0

        package init() {}
    }

    /// One attribute: what it must be, and what it must not be, with the place of each value.
    package struct Values: Hashable, Sendable {
        package var positive: [Value] = []
        package var negative: [Value] = []

        package init(positive: [Value] = [], negative: [Value] = []) {
            self.positive = positive
            self.negative = negative
        }

        package var isEmpty: Bool { positive.isEmpty && negative.isEmpty }
    }

    package struct Value: Hashable, Sendable {
        package var text: String
        package var line: Int
        /// Path from the resource's root, for messages.
        package var field: String

        package init(_ text: String, line: Int = 0, field: String = "") {
            self.text = text
            self.line = line
            self.field = field
        }
    }
}
