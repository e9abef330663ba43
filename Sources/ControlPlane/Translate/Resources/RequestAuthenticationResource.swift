package import MeshModel

/// security.istio.io RequestAuthentication as written, with what could not be understood kept beside what could.
package struct RequestAuthenticationResource: MeshResource {
    package static let kind = "RequestAuthentication"

    /// One of jwtRules.
    package struct Rule: Hashable, Sendable {
        package var issuer: String = ""
        package var audiences: [String] = []
        package var jwks: String?
        package var jwksURI: String?
        /// Of fromHeaders, fromParams and fromCookies; none: where tokens usually are.
        package var locations: [TokenLocation] = []
        package var forwardsToken: Bool = false
        package var payloadHeader: String?
        package var claimHeaders: [ClaimHeader] = []
        package var spaceDelimitedClaims: [String] = []
        /// How long the fetch of the keys may take.
        package var timeout: Duration?
        /// Any of them makes the rule refuse every token.
        package var problems: [FieldProblem] = []
        package var line: Int = 0

        package init() {}
    }

    package var metadata: ResourceMetadata
    package var selector: [String: String]?
    /// targetRef or targetRefs is there: it belongs to a waypoint.
    package var hasTargetReferences: Bool = false
    package var targets: [RequestPolicy.Target] = []
    package var rules: [Rule] = []
    /// Outside of rules. Any of them makes every token refused.
    package var problems: [FieldProblem] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}
