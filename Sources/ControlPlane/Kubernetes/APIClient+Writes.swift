package import MeshModel
internal import ControlSources

extension APIClient {
    /// Does the write and gives what the server answers: the object as it is now, or a Status.
    /// - Parameter seconds: for the whole answer; those of all requests unless given.
    package func send(_ write: APIWrite, seconds: Int? = nil) async throws(APIFailure) -> JSONValue {
        let body = write.body.json
        guard body.count <= timing.requestBytesMax else {
            throw .invalid("it has \(body.count) bytes, and an API server takes \(timing.requestBytesMax)")
        }
        let question = Question(
            method: write.method, path: write.path, accept: "application/json",
            body: Question.Body(contentType: write.contentType, bytes: body))
        do {
            return try APIReader.tree(try await whole(question, seconds: seconds)).value
        } catch .status(400, let message) {
            throw .invalid(message)
        }
    }

    /// The object as it is now; `missing` when there is none.
    package func read(_ place: ObjectPlace, seconds: Int? = nil) async throws(APIFailure) -> JSONValue {
        try APIReader.tree(try await whole(Question(path: place.path()), seconds: seconds)).value
    }

    /// All objects of the kind, of a namespace or of all; where its objects have labels, those that the selector
    /// (`KEY=VALUE`) names.
    package func list(
        _ served: ServedKind, namespace: String?, selector: String? = nil, seconds: Int? = nil
    ) async throws(APIFailure) -> [JSONValue] {
        let query = selector.map { "?labelSelector=\(ServedKind.escaped($0))" } ?? ""
        let path = served.collectionPath(namespace: namespace) + query
        let list = try APIReader.tree(try await whole(Question(path: path), seconds: seconds)).value
        guard let items = list["items"]?.elements else { throw .malformed("is no list") }
        return items
    }

    /// The best version of each kind's group that the server has; kinds whose group it does not have are left out.
    package func served(_ kinds: [ResourceKind]) async throws(APIFailure) -> [ResourceKind: ServedKind] {
        let groups = Discovery.groups(try APIReader.tree(try await get("/apis")))
        var served: [ResourceKind: ServedKind] = [:]
        for kind in kinds {
            let version = kind.versions.first { kind.group.isEmpty || groups[kind.group]?.contains($0) == true }
            served[kind] = version.map { ServedKind(kind: kind, version: $0) }
        }
        return served
    }
}
