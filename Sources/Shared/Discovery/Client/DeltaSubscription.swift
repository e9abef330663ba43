/// What the client says about one resource type on a delta stream. A pure machine: responses in, requests out.
///
/// ```
/// disconnected --connect: initial request--> connected --receive: ACK or NACK--> connected
///      ^                                         |
///      +----------------disconnect---------------+
/// ```
/// What was accepted is remembered over reconnects, with its version, so that the server sends only differences.
/// Source: Envoy's documentation, "xDS REST and gRPC protocol", incremental xDS.
package struct DeltaSubscription: Hashable, Sendable {
    package let typeURL: String
    /// Name to version of everything held.
    package private(set) var heldVersions: [String: String] = [:]
    /// Some response has come since the machine was made.
    package private(set) var isReady = false
    private var isConnected = false

    package init(typeURL: String) { self.typeURL = typeURL }

    /// A stream has opened. Answers its first request for this type: everything (wildcard), less what is held.
    package mutating func connect() -> DeltaRequest {
        isConnected = true
        return DeltaRequest(typeURL: typeURL, initialVersions: heldVersions, isInitial: true)
    }

    /// The stream has ended. What is held stays in use.
    package mutating func disconnect() { isConnected = false }

    /// A response was decoded and applied. Answers the ACK or NACK; `nil` when there is nothing to answer: the stream
    /// is gone, or the response has no nonce (an empty one would make the answer a new subscription).
    package mutating func receive(_ outcome: DeltaOutcome) -> DeltaRequest? {
        for name in outcome.removed { heldVersions[name] = nil }
        for resource in outcome.accepted { heldVersions[resource.name] = resource.version }
        // A refused resource keeps the version that is still held, if any: the server then sees a difference and sends
        // it again, and still knows to tell us of its removal.
        isReady = true
        guard isConnected, !outcome.nonce.isEmpty else { return nil }
        return DeltaRequest(
            typeURL: typeURL, nonce: outcome.nonce, errorMessage: Self.message(of: outcome.rejected))
    }

    /// The text of a NACK: `name: reason; name: reason`, or `nil` when nothing was refused.
    private static func message(of rejections: [DeltaOutcome.Rejection]) -> String? {
        guard !rejections.isEmpty else { return nil }
        var text = ""
        for (index, rejection) in rejections.enumerated() {
            let next = (index == 0 ? "" : "; ") + "\(rejection.name): \(rejection.reason)"
            guard text.utf8.count + next.utf8.count <= errorMessageBytesMax else {
                return text + "; and \(rejections.count - index) more"
            }
            text += next
        }
        return text
    }

    /// A NACK for a push of many thousands must still be a small message.
    package static let errorMessageBytesMax = 16 * 1024
}

/// One request of a delta stream.
package struct DeltaRequest: Hashable, Sendable {
    package var typeURL: String
    /// Name to version, of everything held; only in initial requests.
    package var initialVersions: [String: String]
    /// Of the response that this one answers; empty in an initial request.
    package var nonce: String
    /// Why resources were refused; makes the request a NACK.
    package var errorMessage: String?
    /// The first of its type on a stream: it names the node.
    package var isInitial: Bool

    package init(
        typeURL: String, initialVersions: [String: String] = [:], nonce: String = "", errorMessage: String? = nil,
        isInitial: Bool = false
    ) {
        self.typeURL = typeURL
        self.initialVersions = initialVersions
        self.nonce = nonce
        self.errorMessage = errorMessage
        self.isInitial = isInitial
    }
}

/// What became of a response's resources.
package struct DeltaOutcome: Hashable, Sendable {
    package struct Accepted: Hashable, Sendable {
        package let name: String
        package let version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    package struct Rejection: Hashable, Sendable {
        package let name: String
        package let reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    package var nonce: String
    package var accepted: [Accepted]
    package var rejected: [Rejection]
    package var removed: [String]

    package init(
        nonce: String, accepted: [Accepted] = [], rejected: [Rejection] = [], removed: [String] = []
    ) {
        self.nonce = nonce
        self.accepted = accepted
        self.rejected = rejected
        self.removed = removed
    }
}
