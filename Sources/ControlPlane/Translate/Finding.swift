/// Where a resource, or a part of it, was written.
package struct ResourceOrigin: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Path of the file, or the name of another source. Empty when unknown.
    package var file: String
    /// Counted from 1; 0 when unknown.
    package var line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package static let unknown = ResourceOrigin(file: "", line: 0)

    /// `FILE:LINE`.
    package var description: String { line > 0 ? "\(file):\(line)" : file }

    package static func < (left: ResourceOrigin, right: ResourceOrigin) -> Bool {
        (left.file, left.line) < (right.file, right.line)
    }
}

/// Something in the resources that was not understood, is not supported, or contradicts itself. The message says what
/// happens instead. Nothing is ignored without one.
package struct Finding: Hashable, Sendable, Comparable, CustomStringConvertible {
    package enum Severity: String, Hashable, Sendable {
        /// What was written is not in force as written.
        case error
        /// In force, but probably not what was meant; or left out because it is none of the mesh's kinds.
        case warning
    }

    package var severity: Severity
    package var origin: ResourceOrigin
    /// `Kind NAMESPACE/NAME`, or empty when there is no resource to name.
    package var resource: String
    package var message: String

    package init(_ severity: Severity, _ origin: ResourceOrigin, resource: String, _ message: String) {
        self.severity = severity
        self.origin = origin
        self.resource = resource
        self.message = message
    }

    /// `FILE:LINE: error: Kind NAMESPACE/NAME: message`.
    package var description: String {
        let place = origin == .unknown ? "" : "\(origin): "
        return "\(place)\(severity.rawValue): \(resource.isEmpty ? "" : resource + ": ")\(message)"
    }

    package static func < (left: Finding, right: Finding) -> Bool {
        if left.origin != right.origin { return left.origin < right.origin }
        return (left.resource, left.message, left.severity.rawValue)
            < (right.resource, right.message, right.severity.rawValue)
    }
}

/// A part of a security resource that could not be understood. It travels with the resource, because only the
/// translation knows which way is closed: an ALLOW rule loses its force, a DENY rule gets broader.
package struct FieldProblem: Hashable, Sendable {
    package var line: Int
    /// Path from the resource's root: `spec.rules[0].from[1].source.requestPrincipals`.
    package var field: String
    /// Why, as a clause: `is judged by HTTP requests only`.
    package var reason: String

    package init(line: Int, field: String, reason: String) {
        self.line = line
        self.field = field
        self.reason = reason
    }
}
