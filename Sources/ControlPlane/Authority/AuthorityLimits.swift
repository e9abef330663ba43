/// Limits and times of the authority. Ours unless a source is named.
package enum AuthorityLimits {
    /// A P-256 request has 0.5 KiB, one for RSA 8192 has 3 KiB.
    package static let signingRequestBytesMax = 16 * 1024
    /// A chain of some certificates, or a bundle of some roots.
    package static let certificateFileBytesMax = 256 * 1024
    /// An RSA 8192 key in PEM has 6.4 KiB.
    package static let keyFileBytesMax = 32 * 1024
    /// 100,000 nodes with a token each.
    package static let tokenFileBytesMax = 16 * 1024 * 1024
    /// The workloads' lifetime when a client asks for none; istiod's DEFAULT_WORKLOAD_CERT_TTL.
    package static let defaultLifetimeSeconds: Int64 = 24 * 3600
    /// Asking for more is an error; istiod's MAX_WORKLOAD_CERT_TTL.
    package static let lifetimeSecondsMax: Int64 = 90 * 24 * 3600
    /// Clients whose clock is behind must not refuse a fresh certificate; istiod's two minutes.
    package static let backDateSecondsMax: Int64 = 120
    /// As istiod's self-signed root.
    package static let rootLifetimeSeconds: Int64 = 10 * 365 * 24 * 3600
    /// The TLS port's own certificate.
    package static let serverLifetimeSeconds: Int64 = 365 * 24 * 3600
    package static let rsaBitsMin = 2048
    /// Against a token file filled with names that collide with nothing else.
    package static let nodeNameBytesMax = 253
    /// How long an accepted token is believed without a new review. A pod that is gone is refused at once all the same,
    /// because it is looked up for each call.
    package static let reviewLifetimeMilliseconds: Int64 = 30_000
    /// 5,000 nodes and as many waypoints, with a token before and after its renewal.
    package static let reviewsKeptMax = 16_384
    /// A review takes the API server some milliseconds.
    package static let reviewsAtOnceMax = 16
    /// When all nodes come back at once.
    package static let reviewsWaitingMax = 8192
    /// A longer token does not fit into what servers take as header fields.
    package static let tokenBytesMax = 16 * 1024
}
