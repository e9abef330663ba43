/// A connection that somebody asks about, in the words of a command line.
package struct ConnectionQuestion: Codable, Hashable, Sendable {
    /// `NAMESPACE/POD`, `NAMESPACE/APP` for any of its pods, or a pod's address.
    package var from: String
    /// `NAMESPACE/SERVICE`, a hostname, `NAMESPACE/POD`, or an address.
    package var to: String
    /// `nil`: the only port of the service, or 80 if it has that.
    package var port: UInt16?

    package init(from: String, to: String, port: UInt16? = nil) {
        self.from = from
        self.to = to
        self.port = port
    }
}

/// A request that somebody asks about, as it would come to a waypoint.
package struct RequestQuestion: Codable, Hashable, Sendable {
    /// A field as the client would send it.
    package struct Field: Codable, Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Who calls, as mutual TLS would prove it: a SPIFFE id.
    package var identity: String
    /// The caller's pod.
    package var client: String
    /// What the caller dialled: the authority of its CONNECT.
    package var authority: String
    package var method: String
    /// Path and query as the client would write them.
    package var target: String
    /// `nil`: the name of the service.
    package var host: String?
    package var headers: [Field] = []
    /// Claims as JSON, taken as those of a valid token. `nil`: tokens among the headers are checked.
    package var claims: String?

    package init(identity: String, client: String, authority: String, method: String, target: String) {
        self.identity = identity
        self.client = client
        self.authority = authority
        self.method = method
        self.target = target
    }
}

/// Why a question has no answer, in words for whoever asked.
package struct ExplainProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
