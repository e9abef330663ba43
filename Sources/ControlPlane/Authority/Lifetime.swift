/// From when to when a certificate is valid. Unix seconds, both ends included.
package struct ValidityPeriod: Hashable, Sendable {
    package let notBeforeSeconds: Int64
    package let notAfterSeconds: Int64

    /// Clients renew when half of the period is over; an early start must not put that moment into the past. So the
    /// back date is at most a tenth of the lifetime: half life is then never before 45 % of it.
    package init(nowSeconds: Int64, lifetimeSeconds: Int64) {
        let backDateSeconds = min(AuthorityLimits.backDateSecondsMax, lifetimeSeconds / 10)
        self.init(notBeforeSeconds: nowSeconds - backDateSeconds, notAfterSeconds: nowSeconds + lifetimeSeconds)
    }

    package init(notBeforeSeconds: Int64, notAfterSeconds: Int64) {
        self.notBeforeSeconds = notBeforeSeconds
        self.notAfterSeconds = notAfterSeconds
    }

    /// When a client should have a new one: Istio's ztunnel asks at half of the lifetime.
    package var halfLifeSeconds: Int64 { notBeforeSeconds + (notAfterSeconds - notBeforeSeconds) / 2 }
}

/// Which lifetime a workload's certificate gets.
package struct LifetimePolicy: Hashable, Sendable {
    /// The lifetime of a request that names none, and the upper bound of one that does.
    package let configuredSeconds: Int64

    package init(configuredSeconds: Int64 = AuthorityLimits.defaultLifetimeSeconds) {
        self.configuredSeconds = min(max(configuredSeconds, 1), AuthorityLimits.lifetimeSecondsMax)
    }

    /// Not positive: the configured lifetime. Over 90 days: refused. Else the shorter of requested and configured.
    package func grant(requestedSeconds: Int64) throws(IssueRefusal) -> Int64 {
        guard requestedSeconds <= AuthorityLimits.lifetimeSecondsMax else {
            throw .lifetimeTooLong(
                requestedSeconds: requestedSeconds, limitSeconds: AuthorityLimits.lifetimeSecondsMax)
        }
        return requestedSeconds <= 0 ? configuredSeconds : min(requestedSeconds, configuredSeconds)
    }
}
