/// Which namespaces a listener takes objects of (Gateway API, RouteNamespaces).
package enum NamespaceAdmission: Hashable, Sendable {
    /// Its own only.
    case same
    case all
    case none
    case selector(LabelSelector)
}

/// Labels that something must have (Kubernetes' LabelSelector): all that is asked for together. Empty: anything.
package struct LabelSelector: Hashable, Sendable {
    /// One entry of matchExpressions.
    package struct Expression: Hashable, Sendable {
        package enum Operation: String, Hashable, Sendable {
            case isIn = "In"
            case isNotIn = "NotIn"
            case exists = "Exists"
            case doesNotExist = "DoesNotExist"
        }

        package var key: String
        package var operation: Operation
        package var values: Set<String>

        package init(key: String, operation: Operation, values: Set<String> = []) {
            self.key = key
            self.operation = operation
            self.values = values
        }

        fileprivate func matches(_ labels: [String: String]) -> Bool {
            let value = labels[key]
            return switch operation {
            case .isIn: value.map(values.contains) ?? false
            case .isNotIn: value.map { !values.contains($0) } ?? true
            case .exists: value != nil
            case .doesNotExist: value == nil
            }
        }
    }

    package var labels: [String: String]
    package var expressions: [Expression]

    package init(labels: [String: String] = [:], expressions: [Expression] = []) {
        self.labels = labels
        self.expressions = expressions
    }

    /// Whether something with these labels is meant.
    package func matches(_ found: [String: String]) -> Bool {
        labels.allSatisfy { found[$0.key] == $0.value } && expressions.allSatisfy { $0.matches(found) }
    }
}
