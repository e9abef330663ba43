package import MeshModel

/// What is done to one request on purpose. The delay comes first.
package struct FaultDecision: Hashable, Sendable {
    package var delay: Duration?
    package var abort: FaultInjection.Abort.Answer?

    package init(delay: Duration? = nil, abort: FaultInjection.Abort.Answer? = nil) {
        self.delay = delay
        self.abort = abort
    }
}

extension FaultInjection {
    /// Each by chance of its own: a request may get both.
    package func decide(using generator: inout some RandomNumberGenerator) -> FaultDecision {
        var decision = FaultDecision()
        if let delay, delay.share.includes(using: &generator) { decision.delay = delay.duration }
        if let abort, abort.share.includes(using: &generator) { decision.abort = abort.answer }
        return decision
    }
}

extension RequestShare {
    /// Whether a request is among them.
    package func includes(using generator: inout some RandomNumberGenerator) -> Bool {
        switch partsPerMillion {
        case 0: false
        case Self.whole...: true
        default: UInt32.random(in: 0..<Self.whole, using: &generator) < partsPerMillion
        }
    }
}
