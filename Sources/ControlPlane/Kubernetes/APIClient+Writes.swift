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
}
