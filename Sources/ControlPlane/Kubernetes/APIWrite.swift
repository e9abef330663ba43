package import MeshModel

/// Where an object lies on an API server.
package struct ObjectPlace: Hashable, Sendable {
    package let served: ServedKind
    /// `nil` for kinds that are of the whole cluster.
    package let namespace: String?
    package let name: String

    package init(_ served: ServedKind, namespace: String?, name: String) {
        self.served = served
        self.namespace = namespace
        self.name = name
    }

    /// Path of the object, or of a part of it such as `status`.
    func path(_ subresource: String? = nil) -> String {
        let path = "\(served.collectionPath(namespace: namespace))/\(ServedKind.escaped(name))"
        return subresource.map { "\(path)/\($0)" } ?? path
    }

    /// The object with the kind and the name that every write must say.
    fileprivate func identified(_ object: JSONValue) -> JSONValue {
        var members = object.members ?? [:]
        var metadata = members["metadata"]?.members ?? [:]
        members["apiVersion"] = .string(served.apiVersion)
        members["kind"] = .string(served.kind.kind)
        metadata["name"] = .string(name)
        metadata["namespace"] = namespace.map { .string($0) }
        members["metadata"] = .object(metadata)
        return .object(members)
    }
}

/// A request that changes something, or asks a question that is put as an object (TokenReview).
package struct APIWrite: Hashable, Sendable {
    /// What becomes of the objects that an object owns when it is deleted.
    package enum Propagation: String, Hashable, Sendable {
        case background = "Background"
        case foreground = "Foreground"
        case orphan = "Orphan"
    }

    let method: String
    let path: String
    let contentType: String
    let body: JSONValue

    /// A new object; `exists` when there is one of its name.
    /// - Parameter dryRun: the server does all but keep it.
    package static func create(
        _ object: JSONValue, of served: ServedKind, namespace: String?, dryRun: Bool = false
    ) -> APIWrite {
        var members = object.members ?? [:]
        members["apiVersion"] = .string(served.apiVersion)
        members["kind"] = .string(served.kind.kind)
        return APIWrite(
            method: "POST", path: served.collectionPath(namespace: namespace) + query(dryRun: dryRun),
            contentType: "application/json", body: .object(members))
    }

    /// The whole object anew. What it says as metadata.resourceVersion must still be true, else `conflict`; without
    /// it, whatever is there is overwritten.
    package static func replace(
        _ object: JSONValue, at place: ObjectPlace, subresource: String? = nil, dryRun: Bool = false
    ) -> APIWrite {
        APIWrite(
            method: "PUT", path: place.path(subresource) + query(dryRun: dryRun), contentType: "application/json",
            body: place.identified(object))
    }

    /// Fields that the manager wants to be so; those that it named before and does not name now go (kubernetes.io,
    /// "Server-Side Apply"). Makes the object if it is not there.
    /// - Parameter isForced: fields of other managers become ours; else `conflict`.
    package static func apply(
        _ object: JSONValue, at place: ObjectPlace, manager: String, isForced: Bool = true,
        subresource: String? = nil, dryRun: Bool = false
    ) -> APIWrite {
        let options = ["fieldManager=\(ServedKind.escaped(manager))", "force=\(isForced)"]
        return APIWrite(
            method: "PATCH", path: place.path(subresource) + query(dryRun: dryRun, options),
            contentType: "application/apply-patch+yaml", body: place.identified(object))
    }

    /// Members of the patch replace those of the object, null removes one, lists are replaced whole (RFC 7396). What it
    /// says as metadata.resourceVersion must still be true, else `conflict`.
    package static func merge(
        _ patch: JSONValue, at place: ObjectPlace, manager: String, subresource: String? = nil
    ) -> APIWrite {
        APIWrite(
            method: "PATCH",
            path: place.path(subresource) + query(dryRun: false, ["fieldManager=\(ServedKind.escaped(manager))"]),
            contentType: "application/merge-patch+json", body: patch)
    }

    /// The object goes, at once or when its finalizers are gone.
    /// - Parameters:
    ///   - uid: only if it is this very object, else `conflict`.
    ///   - revision: only if it is this version of it, else `conflict`.
    package static func delete(
        _ place: ObjectPlace, uid: String? = nil, revision: String? = nil, propagation: Propagation = .background
    ) -> APIWrite {
        var preconditions: [String: JSONValue] = [:]
        preconditions["uid"] = uid.map { .string($0) }
        preconditions["resourceVersion"] = revision.map { .string($0) }
        var options: [String: JSONValue] = [
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": .string(propagation.rawValue),
        ]
        if !preconditions.isEmpty { options["preconditions"] = .object(preconditions) }
        return APIWrite(
            method: "DELETE", path: place.path(), contentType: "application/json", body: .object(options))
    }

    private static func query(dryRun: Bool, _ options: [String] = []) -> String {
        let options = options + (dryRun ? ["dryRun=All"] : [])
        return options.isEmpty ? "" : "?\(options.joined(separator: "&"))"
    }
}
