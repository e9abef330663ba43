/// What an API server has said of a token that it believes (authentication.k8s.io, TokenReview).
package struct ReviewedToken: Hashable, Sendable {
    /// The pod that a token is bound to: the token is good for as long as this pod is there.
    package struct Pod: Hashable, Sendable {
        package let name: String
        package let uid: String

        package init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }
    }

    package let account: TokenHolder.Account
    /// `nil`: the token is bound to no pod.
    package let pod: Pod?
    /// Which node the server says the pod is on; servers say so from Kubernetes 1.30 on.
    package let node: String?
    /// End of the token's life in Unix seconds; `nil`: it does not say.
    package let expirySeconds: Int64?

    package init(account: TokenHolder.Account, pod: Pod?, node: String? = nil, expirySeconds: Int64? = nil) {
        self.account = account
        self.pod = pod
        self.node = node
        self.expirySeconds = expirySeconds
    }
}

/// The answer to a review.
package enum TokenReview: Hashable, Sendable {
    case accepted(ReviewedToken)
    /// Forged, expired, for another audience, of a pod that is gone: in the server's words.
    case refused(String)
}

/// Why there is no answer. Says nothing of the token: the caller should ask again.
package enum TokenReviewFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The API server could not be asked, or does not let us ask.
    case unreachable(String)
    /// So many reviews wait already.
    case busy(limit: Int)

    package var description: String {
        switch self {
        case .unreachable(let reason): "the API server cannot review tokens now: \(reason)"
        case .busy(let limit): "\(limit) tokens wait for their review already"
        }
    }
}

/// Whoever says whose a token is.
package protocol TokenReviewer: Sendable {
    /// Reviews one token; says nothing of it when it throws.
    func review(_ token: String) async throws(TokenReviewFailure) -> TokenReview
}
