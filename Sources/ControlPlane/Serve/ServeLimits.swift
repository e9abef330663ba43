/// Limits and times of the served APIs. Ours unless a source is named.
package enum ServeLimits {
    /// A resuming client lists every resource it holds: 16 MiB are some 200,000 names with their versions.
    package static let requestBytesMax = 16 * 1024 * 1024
    /// The first answer should be one response, because a client counts itself ready after it; Istio's ztunnel takes
    /// 200 MiB. Only a world above this is split.
    package static let responseBytesMax = 64 * 1024 * 1024
    /// Pod reports of one node that wait while intents are written to it.
    package static let waitingPodsMax = 16 * podsPerReportMax
    /// Resource types one stream may ask for; ambient has two.
    package static let typesPerStreamMax = 16
    /// Names one stream may subscribe to one by one.
    package static let subscribedNamesMax = 500_000
    /// Answers a client has not acknowledged; older nonces count as stale.
    package static let outstandingNoncesMax = 64
    /// How long the first answer waits for a stream's second type, so that policies go before the workloads that
    /// name them.
    package static let settleTimeMilliseconds = 50
    /// What is kept of a client's reason for a refusal.
    package static let refusalTextBytesMax = 1024
    /// Snapshots whose changes are remembered; who is further behind is compared resource by resource.
    package static let rememberedChangesMax = 64
    /// Kubernetes runs 110 to 500 pods on a node.
    package static let podsPerReportMax = 4096
    /// A SPIFFE id may have 2048 bytes (SPIFFE-ID 2.3).
    package static let identityBytesMax = 2048
    /// Streams of one connection: two discovery and enrolment streams, eight certificate calls.
    package static let streamsPerConnectionMax = 128
    /// 5,000 nodes with two connections each, and room for those that reconnect.
    package static let connectionsMax = 16_384
    /// From accept to the first call: TCP, TLS and one request.
    package static let firstCallSeconds: Int64 = 10
    /// Connections without a call are closed after this time.
    package static let idleConnectionSeconds = 300
    /// We ask a silent client whether it is there; a node that lost power must not stay listed.
    package static let pingIntervalSeconds = 30
    package static let pingTimeoutSeconds = 10
    /// Clients such as Istio's ztunnel ping every 30 s; more than twice in this time is abuse.
    package static let clientPingIntervalSeconds = 5
    /// The TLS port's certificate is looked at this often: clocks are set, machines sleep.
    package static let renewalLookSeconds: Int64 = 3600
    package static let renewalRetrySeconds: Int64 = 60
    /// How often the authority's files are looked at.
    package static let authorityLookSeconds: Int64 = 5
    /// The same for a Secret, which costs two requests.
    package static let authoritySecretLookSeconds: Int64 = 10
    /// How long a change of somebody's waypoint waits for streams that do not acknowledge the step before.
    package static let bindingSeconds = 5
    /// Streams get this long to end when we stop.
    package static let shutdownGraceSeconds = 5
}
