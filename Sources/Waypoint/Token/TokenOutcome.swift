package import MeshModel

/// What the check of a request's tokens came to.
package enum TokenOutcome: Hashable, Sendable {
    case passed(TokenPass)
    case refused(TokenFailure)
}

/// A request whose tokens are valid, or that has none.
package struct TokenPass: Hashable, Sendable {
    /// A header field to be set.
    package struct Field: Hashable, Sendable {
        /// In lower case.
        package let name: String
        package let value: String
    }

    /// Of the token that counts; `nil` without one.
    package var claims: TokenClaims?
    /// In lower case: headers that only the check may write. To be taken away first, whoever sent them.
    package var removed: [String] = []
    /// To be set after that.
    package var fields: [Field] = []
    /// Places of tokens that are not sent on. The whole header, parameter or cookie goes.
    package var stripped: [TokenLocation] = []
}

/// The key sets of remote issuers at one moment.
package protocol RemoteKeys: Sendable {
    /// `nil` while there is none that may be used.
    func keys(at uri: String) -> KeySet?
}

/// No key set was fetched: tokens of remote issuers are refused.
package struct NoRemoteKeys: RemoteKeys {
    package init() {}

    package func keys(at uri: String) -> KeySet? { nil }
}
