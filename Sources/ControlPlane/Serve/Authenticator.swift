package import ControlAuthority
package import GRPCCore

/// Says who calls. Every call has to carry `authorization: Bearer TOKEN`.
package struct Authenticator: Sendable {
    /// How tokens of pods are judged.
    package struct Reviews: Sendable {
        package var reviewer: any TokenReviewer
        package var trust: TokenTrust

        package init(reviewer: any TokenReviewer, trust: TokenTrust) {
            self.reviewer = reviewer
            self.trust = trust
        }
    }

    private let tokens: NodeTokens
    private let reviews: Reviews?
    private let nodes: Board<NodeBook>
    private let metrics: ControlMetrics

    /// - Parameter reviews: `nil`: only the tokens of files are known.
    package init(_ tokens: NodeTokens, reviews: Reviews?, nodes: Board<NodeBook>, metrics: ControlMetrics) {
        self.tokens = tokens
        self.reviews = reviews
        self.nodes = nodes
        self.metrics = metrics
    }

    /// The caller's node; throws UNAUTHENTICATED, also for a caller that is no node, and UNAVAILABLE.
    package func node(_ metadata: Metadata) async throws(RPCError) -> (name: String, caller: Caller) {
        let caller = try await caller(metadata)
        guard case .node(let node) = caller.holder else {
            throw refusal("this call is for nodes, the token is that of \(caller.holder)")
        }
        return (node, caller)
    }

    /// Who calls; throws UNAUTHENTICATED, and UNAVAILABLE when that cannot be said now.
    package func caller(_ metadata: Metadata) async throws(RPCError) -> Caller {
        var values = metadata[stringValues: "authorization"].makeIterator()
        guard let value = values.next() else {
            throw refusal("no token: expected the metadata 'authorization: Bearer TOKEN' with \(expectation)")
        }
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw refusal("expected 'authorization: Bearer TOKEN', found another form")
        }
        let token = String(words[1])
        if let holder = tokens.holder(presenting: token) { return Caller(holder) }
        guard let reviews else { throw refusal("token unknown: expected \(expectation)") }
        return try await reviewed(token, reviews)
    }

    private func reviewed(_ token: String, _ reviews: Reviews) async throws(RPCError) -> Caller {
        guard token.utf8.count <= AuthorityLimits.tokenBytesMax else {
            throw refusal("token of \(token.utf8.count) bytes: at most \(AuthorityLimits.tokenBytesMax) are read")
        }
        let review: TokenReview
        do {
            review = try await reviews.reviewer.review(token)
        } catch {
            metrics.add(.tokenReviewFailures)
            throw RPCError(code: .unavailable, message: "\(error): try again")
        }
        switch review {
        case .refused(let reason): throw refusal("the API server refuses the token: \(reason)")
        case .accepted(let accepted):
            guard let book = nodes.current else {
                throw RPCError(code: .unavailable, message: "resources are still being read: try again")
            }
            do {
                let holder = try reviews.trust.holder(of: accepted, in: book)
                return Caller(holder, Caller.Proof(token: accepted, trust: reviews.trust))
            } catch {
                throw refusal("\(error)")
            }
        }
    }

    private var expectation: String {
        reviews == nil
            ? "the token of a node from \(tokens.place)" : "a token of a service account that is bound to a pod"
    }

    private func refusal(_ reason: String) -> RPCError {
        metrics.add(.authenticationFailures)
        return RPCError(code: .unauthenticated, message: "request authenticate failure: \(reason)")
    }
}
