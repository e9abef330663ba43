package import ControlAuthority
package import Logging

/// Makes the TLS port's own certificates: one at start, and another at half the life of each.
package struct CertificateRenewal: Sendable {
    private let authority: CurrentAuthority
    private let names: [ServerName]
    private let lifetimeSeconds: Int64
    private let log: Logger
    private let nowSeconds: @Sendable () -> Int64

    package init(
        authority: CurrentAuthority, names: [ServerName],
        lifetimeSeconds: Int64 = AuthorityLimits.serverLifetimeSeconds, log: Logger,
        nowSeconds: @escaping @Sendable () -> Int64
    ) {
        self.authority = authority
        self.names = names
        self.lifetimeSeconds = lifetimeSeconds
        self.log = log
        self.nowSeconds = nowSeconds
    }

    /// A fresh certificate with a key of its own.
    package func make() throws(AuthorityError) -> ServerCertificate {
        try ServerCertificate(
            from: authority.current, names: names, lifetimeSeconds: lifetimeSeconds, nowSeconds: nowSeconds())
    }

    /// Until the task is cancelled. Connections that are there keep what they were made with; a failure is logged and
    /// tried again, and the port keeps what it has.
    package func run(_ server: ControlServer, from first: ServerCertificate) async {
        var due = first.validity.halfLifeSeconds
        while !Task.isCancelled {
            let waitSeconds = min(max(due - nowSeconds(), 1), ServeLimits.renewalLookSeconds)
            do { try await Task.sleep(for: .seconds(waitSeconds)) } catch { return }
            guard nowSeconds() >= due else { continue }
            do throws(AuthorityError) {
                let next = try make()
                try server.use(next)
                due = next.validity.halfLifeSeconds
                log.info(
                    "the TLS port has a new certificate", metadata: ["notAfter": "\(next.validity.notAfterSeconds)"])
            } catch {
                due = nowSeconds() + ServeLimits.renewalRetrySeconds
                log.error("the TLS port's certificate is not renewed, the old one stays in use: \(error)")
            }
        }
    }
}
