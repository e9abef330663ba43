package import ControlAuthority
package import GRPCCore

/// Says who calls. Every call has to carry `authorization: Bearer TOKEN`.
package struct Authenticator: Sendable {
    private let tokens: NodeTokens
    private let metrics: ControlMetrics

    package init(_ tokens: NodeTokens, metrics: ControlMetrics) {
        self.tokens = tokens
        self.metrics = metrics
    }

    /// The caller's node; throws UNAUTHENTICATED, also for a caller that is no node.
    package func node(_ metadata: Metadata) throws(RPCError) -> String {
        let holder = try caller(metadata)
        guard case .node(let node) = holder else {
            throw refusal("this call is for nodes, the token is that of \(holder)")
        }
        return node
    }

    /// Who calls; throws UNAUTHENTICATED.
    package func caller(_ metadata: Metadata) throws(RPCError) -> TokenHolder {
        var values = metadata[stringValues: "authorization"].makeIterator()
        guard let value = values.next() else {
            throw refusal("no token: expected the metadata 'authorization: Bearer TOKEN' with the token of the node "
                + "from \(tokens.place)")
        }
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw refusal("expected 'authorization: Bearer TOKEN', found another form")
        }
        guard let holder = tokens.holder(presenting: String(words[1])) else {
            throw refusal("token unknown: expected the token of a node from \(tokens.place)")
        }
        return holder
    }

    private func refusal(_ reason: String) -> RPCError {
        metrics.add(.authenticationFailures)
        return RPCError(code: .unauthenticated, message: "request authenticate failure: \(reason)")
    }
}
