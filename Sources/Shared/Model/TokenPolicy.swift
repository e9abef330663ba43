/// A RequestAuthentication: whose tokens a waypoint believes, and where it looks for them. A request without a token
/// passes it; one with a token that is not valid does not.
package struct TokenPolicy: Hashable, Sendable {
    package var name: String
    package var namespace: String
    package var rules: [TokenRule]

    package init(name: String, namespace: String, rules: [TokenRule]) {
        self.name = name
        self.namespace = namespace
        self.rules = rules
    }

    /// `NAMESPACE/NAME`, its key in logs.
    package var key: String { "\(namespace)/\(name)" }
}

/// One issuer of tokens.
package struct TokenRule: Hashable, Sendable {
    /// What its tokens are verified by.
    package enum Keys: Hashable, Sendable {
        /// A JSON Web Key Set (RFC 7517, section 5) as it was written.
        case inline(String)
        /// A key set to be fetched from an http or https URI, within a time in nanoseconds.
        case remote(uri: String, timeoutNanoseconds: Int64)
        /// There are none, for this reason: every token of the issuer is refused.
        case none(String)
    }

    /// How long the fetch of a key set may take unless the rule says otherwise, in nanoseconds: 5 s, as in Istio.
    package static let fetchTimeoutNanoseconds: Int64 = 5_000_000_000

    /// Compared with `iss` exactly.
    package var issuer: String
    /// One of them must be in `aud`; none: `aud` is not looked at.
    package var audiences: [String]
    package var keys: Keys
    /// Where tokens are looked for. Never empty.
    package var locations: [TokenLocation]
    /// The token stays in the request that is sent on.
    package var forwardsToken: Bool
    /// In lower case: gets the payload as it stands in the token. `nil`: none does.
    package var payloadHeader: String?
    package var claimHeaders: [ClaimHeader]
    /// Claims whose text is a list with spaces between its elements.
    package var spaceDelimitedClaims: [String]

    package init(
        issuer: String, audiences: [String] = [], keys: Keys, locations: [TokenLocation] = TokenLocation.standard,
        forwardsToken: Bool = false, payloadHeader: String? = nil, claimHeaders: [ClaimHeader] = [],
        spaceDelimitedClaims: [String] = []
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.keys = keys
        self.locations = locations
        self.forwardsToken = forwardsToken
        self.payloadHeader = payloadHeader
        self.claimHeaders = claimHeaders
        self.spaceDelimitedClaims = spaceDelimitedClaims
    }
}

/// A place in a request where a token may be.
package enum TokenLocation: Hashable, Sendable {
    /// Behind a prefix, which is compared exactly and may be empty. The name is in lower case.
    case header(name: String, prefix: String)
    /// Of the query.
    case parameter(String)
    case cookie(String)

    /// Where tokens are when a rule does not say it, as in Istio.
    package static let standard = [header(name: "authorization", prefix: "Bearer "), parameter("access_token")]
}

/// A header that gets the text of a claim.
package struct ClaimHeader: Hashable, Sendable {
    /// In lower case.
    package let header: String
    /// Keys of nested objects, the outermost first. Never empty.
    package let path: [String]

    package init(header: String, path: [String]) {
        self.header = header
        self.path = path
    }
}
