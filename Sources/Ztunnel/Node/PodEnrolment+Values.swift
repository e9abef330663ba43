package import MeshKernel

extension PodEnrolment {
    package enum Desire: Hashable, Sendable {
        case released
        case captured(CaptureRules)
    }

    package enum Stage: Hashable, Sendable {
        /// Attached; nothing of ours is in the namespace.
        case idle
        /// Listening sockets are being opened.
        case opening
        /// Rules are being written.
        case installing
        /// Rules are being read back and the self-test connection is under way.
        case proving
        /// Peers may use HBONE.
        case proven
        /// Reported as leaving; waiting until the control plane says so to everybody.
        case withdrawing
        /// The keeper rule is in; waiting for the last captured connection to end.
        case draining
        /// Table, routes and sockets are being removed.
        case removing
        /// The last step did not work; the reason is for people.
        case failed(String)
    }

    package enum Action: Hashable, Sendable {
        case openListeners
        case install(CaptureRules)
        /// Read the rules back, then connect through them.
        case prove(CaptureRules)
        /// Tell the control plane, then wait until it tells everybody, or for a bounded time.
        case withdraw
        /// Swap the rules for the keeper, then wait until no captured connection is alive.
        case drain
        /// Remove rules, routes and listeners.
        case remove
        case retryLater(seconds: Int)
    }
}

/// Where an enrolment stands, for the process that goes on with it.
package struct PodStanding: Hashable, Sendable {
    /// What was written last; `nil` when nothing was.
    package var rules: CaptureRules?
    /// Peers were told to use HBONE.
    package var isProven = false
    /// Something of ours may be in the namespace.
    package var mayHaveRules = false
    /// Its live connections have ended, and its doors may be closed.
    package var hasDrained = false
    /// The kernel holds the rules for their owner.
    package var isOwned = false

    package init() {}
}

extension PodEnrolment {
    /// Goes on where a predecessor was. A pod that was proven stays so; what was under way begins anew, and nothing
    /// that captures is taken away before live connections have drained.
    package init(continuing standing: PodStanding) {
        self.init(hasLeftovers: standing.mayHaveRules, wasProven: standing.isProven)
        guard let rules = standing.rules else { return }
        resume(rules, standing)
    }

    /// For a successor.
    package var standing: PodStanding {
        var standing = PodStanding()
        standing.rules = stage == .idle ? nil : installed
        standing.isProven = isReportedProven && installed != nil
        standing.mayHaveRules = holdsNamespace
        standing.hasDrained = hasDrained
        return standing
    }
}
