package import MeshKernel

/// The life of one attached pod: what is wanted, how far it is, what to do next. Pure; the driver performs one action
/// at a time and feeds its outcome back.
///
///     idle -> opening -> installing -> proving -> proven          (wanted)
///     proven -> withdrawing -> draining -> removing -> idle       (not wanted any more)
///     any step that fails -> failed, and after a while again from the start; what captures stays in force meanwhile
///     failed (not wanted any more) -> withdrawing when rules of ours may capture, so that live connections drain, else
///     removing
package struct PodEnrolment: Hashable, Sendable {
    package private(set) var stage: Stage = .idle
    private var desire: Desire = .released
    private(set) var installed: CaptureRules?
    private var failureCount = 0
    /// Live connections have ended, or draining them failed so often that they are given up.
    private(set) var hasDrained = false
    private var drainFailureCount = 0
    /// A table that cannot be swapped for the keeper must not hold a pod for ever: after this many tries it is removed.
    private static let drainAttemptsMax = 3
    /// Peers were told to use HBONE: a repair does not take that back, it would send them to plain text.
    private(set) var isReportedProven = false
    /// Rules of a predecessor are in the namespace: nobody serves what they capture until they are adopted or removed.
    private var hasLeftovers: Bool

    /// - Parameters:
    ///   - hasLeftovers: a table of ours is in the namespace already, from before a restart.
    ///   - wasProven: what peers were told; `nil`: nobody knows. A restart takes that back as little as a repair does.
    package init(hasLeftovers: Bool = false, wasProven: Bool? = nil) {
        self.hasLeftovers = hasLeftovers
        isReportedProven = wasProven ?? hasLeftovers
    }

    /// The rules that are wanted now; `nil` when none are.
    package var wantedRules: CaptureRules? {
        guard case .captured(let rules) = desire else { return nil }
        return rules
    }

    /// Whether something of ours may be in the namespace.
    package var holdsNamespace: Bool { stage != .idle || hasLeftovers }

    /// What is wanted now. Returns an action unless a step is under way that has to end first.
    package mutating func want(_ desire: Desire) -> Action? {
        let hasChanged = desire != self.desire
        self.desire = desire
        switch stage {
        case .idle, .proven:
            return next()
        case .draining:
            // Coming back while the last connections drain: the rules go in again at once.
            guard case .captured(let rules) = desire else { return nil }
            return install(rules)
        case .failed:
            // What is wanted changed: do not wait for the retry. The same once more: do not hurry it either.
            return hasChanged ? next() : nil
        case .opening, .installing, .proving, .withdrawing, .removing:
            return nil
        }
    }

    /// The action under way succeeded.
    package mutating func completed() -> Action? {
        switch stage {
        case .opening:
            guard case .captured(let rules) = desire else { return takeBack() }
            return install(rules)
        case .installing:
            guard case .captured(let rules) = desire else { return withdraw() }
            guard rules == installed else { return install(rules) }
            stage = .proving
            return .prove(rules)
        case .proving:
            failureCount = 0
            isReportedProven = true
            stage = .proven
            return next()
        case .withdrawing:
            if case .captured(let rules) = desire { return install(rules) }
            stage = .draining
            return .drain
        case .draining:
            hasDrained = true
            return remove()
        case .removing:
            stage = .idle
            installed = nil
            hasLeftovers = false
            isReportedProven = false
            failureCount = 0
            return next()
        case .idle, .proven, .failed:
            return nil
        }
    }

    /// The action under way did not work.
    package mutating func failed(_ reason: String) -> Action? {
        switch stage {
        case .idle, .proven, .failed:
            return nil
        case .opening, .installing, .proving, .withdrawing, .draining, .removing:
            failureCount += 1
            isReportedProven = false
            if stage == .draining {
                drainFailureCount += 1
                hasDrained = drainFailureCount >= Self.drainAttemptsMax
            }
            stage = .failed(reason)
            return .retryLater(seconds: min(1 << min(failureCount - 1, 5), 30))
        }
    }

    /// The time of a retry has come.
    package mutating func retryDue() -> Action? {
        guard case .failed = stage else { return nil }
        return next()
    }

    /// The rules of a proven pod were read back in passing.
    package mutating func audited(_ state: CaptureState) -> Action? {
        guard stage == .proven, case .captured(let rules) = desire else { return nil }
        return state == .equal ? nil : install(rules)
    }

    /// The rules are in the namespace already.
    mutating func resume(_ rules: CaptureRules, _ standing: PodStanding) {
        installed = rules
        hasDrained = standing.hasDrained
        isReportedProven = standing.isProven
        guard isReportedProven else { return stage = .failed("taken over before it was done") }
        desire = .captured(rules)
        stage = .proven
    }

    /// The outcome of the step under way will never be known: it is to be done again.
    package mutating func interrupted() -> Action? {
        switch stage {
        case .idle, .proven: return nil
        case .failed: return retryDue()
        case .opening, .installing, .proving, .withdrawing, .draining, .removing:
            stage = .failed("interrupted")
            return retryDue()
        }
    }

    private mutating func next() -> Action? {
        switch (stage, desire) {
        case (.idle, .released):
            return hasLeftovers ? remove() : nil
        case (.idle, .captured), (.failed, .captured):
            stage = .opening
            return .openListeners
        case (.proven, .captured(let rules)):
            return rules == installed ? nil : install(rules)
        case (.proven, .released):
            return withdraw()
        case (.failed, .released):
            return takeBack()
        case (.opening, _), (.installing, _), (.proving, _), (.withdrawing, _), (.draining, _), (.removing, _):
            return nil
        }
    }

    private mutating func install(_ rules: CaptureRules) -> Action {
        installed = rules
        (hasDrained, drainFailureCount) = (false, 0)
        stage = .installing
        return .install(rules)
    }

    private mutating func withdraw() -> Action {
        isReportedProven = false
        stage = .withdrawing
        return .withdraw
    }

    /// Rules of ours that may be in force may carry live connections, whatever failed: removing would reset them.
    private mutating func takeBack() -> Action {
        installed == nil || hasDrained ? remove() : withdraw()
    }

    private mutating func remove() -> Action {
        stage = .removing
        return .remove
    }
}
