package import ControlAuthority
package import MeshModel
import MeshTLS

/// The control plane's own certificate as a caller of waypoints, signed by its own authority. The key stays in memory.
package actor ProbeIdentity {
    private let authority: CurrentAuthority
    private let identity: Identity
    private let nowSeconds: @Sendable () -> Int64
    private var current: WorkloadCertificate?

    private static let lifetimeSeconds: Int64 = 3600

    package init(authority: CurrentAuthority, identity: Identity, nowSeconds: @escaping @Sendable () -> Int64) {
        self.authority = authority
        self.identity = identity
        self.nowSeconds = nowSeconds
    }

    /// One that is good for half its life at least.
    func certificate() throws(ProbeFailure) -> WorkloadCertificate {
        let now = nowSeconds()
        if let current, now < (current.notBeforeSeconds + current.notAfterSeconds) / 2 { return current }
        do {
            let key = try PrivateKey.generate()
            let issued = try authority.current.issue(
                signingRequestPEM: try SigningRequest.pem(for: identity, key: key), identity: identity,
                requestedSeconds: Self.lifetimeSeconds, nowSeconds: now)
            let made = try WorkloadCertificate(chainPEM: issued.chainPEM, key: key, expecting: identity)
            current = made
            return made
        } catch {
            throw ProbeFailure("no certificate to ask it with: \(error)")
        }
    }
}

/// Why a waypoint did not prove itself, in words.
package struct ProbeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
