package import MeshModel
package import WaypointRoute

/// A request as external authorizers are asked about it: made plain, with the fields that it will go on with.
package struct CheckedRequest: Sendable {
    /// One end of the call.
    package struct Peer: Hashable, Sendable {
        package let address: TransportAddress
        /// Whom TLS has proven it to be.
        package let identity: Identity

        package init(address: TransportAddress, identity: Identity) {
            self.address = address
            self.identity = identity
        }
    }

    /// The beginning of the body, or all of it.
    package struct Content: Hashable, Sendable {
        package let bytes: [UInt8]
        /// There is more.
        package let isPartial: Bool

        package init(bytes: [UInt8], isPartial: Bool) {
            self.bytes = bytes
            self.isPartial = isPartial
        }
    }

    package let head: RequestHead
    /// `HTTP/1.1` or `HTTP/2`.
    package let version: String
    /// Bytes of the body; `nil`: not known yet.
    package let size: Int?
    package let source: Peer
    package let destination: Peer
    /// Since 1970.
    package let timeMilliseconds: Int64
    /// `nil`: no body is sent along.
    package var content: Content?

    package init(
        head: RequestHead, version: String, size: Int?, source: Peer, destination: Peer, timeMilliseconds: Int64,
        content: Content? = nil
    ) {
        self.head = head
        self.version = version
        self.size = size
        self.source = source
        self.destination = destination
        self.timeMilliseconds = timeMilliseconds
        self.content = content
    }
}

/// One request of our own to an authorizer or a rate limit service.
package struct ServiceQuestion: Sendable {
    package let head: RequestHead
    package let body: [UInt8]
}

/// What came back, whole.
package struct ServiceAnswer: Sendable {
    package let status: UInt16
    package let headers: HeaderList
    package let body: [UInt8]
    package let trailers: HeaderList?

    package init(status: UInt16, headers: HeaderList, body: [UInt8], trailers: HeaderList?) {
        self.status = status
        self.headers = headers
        self.body = body
        self.trailers = trailers
    }
}

/// Why an authorizer or a rate limit service has not answered.
package enum ServiceFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such service, or nobody behind it could be reached.
    case unreachable(String)
    /// The connection ended before the answer did.
    case lost(String)
    case timedOut
    /// An answer longer than any that is waited for.
    case answerTooLong
    /// What came is no answer.
    case malformed(String)
    /// It says itself that it has failed.
    case status(UInt16)
    case grpcStatus(code: String, message: String)
    case errorResponse(status: UInt16?)
    /// As many questions are under way as may be.
    case tooMany
    /// What should be asked has no form on the wire.
    case unaskable(String)

    package var description: String {
        switch self {
        case .unreachable(let cause): "unreachable: \(cause)"
        case .lost(let cause): "connection lost: \(cause)"
        case .timedOut: "no answer in time"
        case .answerTooLong: "the answer is too long"
        case .malformed(let cause): "malformed answer: \(cause)"
        case .status(let status): "status \(status)"
        case .grpcStatus(let code, let message): "gRPC status \(code)\(message.isEmpty ? "" : ": ")\(message)"
        case .errorResponse(let status): "error response\(status.map { " \($0)" } ?? "")"
        case .tooMany: "too many questions under way"
        case .unaskable(let cause): "cannot be asked: \(cause)"
        }
    }
}

/// What an authorizer has decided.
package enum AuthorizerVerdict: Sendable {
    case allowed(RequestChanges)
    case denied(AuthorizerDenial)
}

/// The answer to a request that an authorizer refuses.
package struct AuthorizerDenial: Hashable, Sendable {
    /// From 200 to 599.
    package let status: UInt16
    package let headers: HeaderList
    /// Text; other bytes are replaced.
    package let body: String
}

extension RequestMethod {
    /// As it stands in a request.
    var bytes: [UInt8] {
        switch self {
        case .known(let method): Array(method.rawValue.utf8)
        case .other(let bytes): bytes
        }
    }
}
