import MeshKernel
import MeshModel
import SeededTesting
import Testing

@testable import ZtunnelNode

private let rules = CaptureRules()
private let otherRules = CaptureRules(captureInbound: false)

/// A machine that was brought to a stage by the way that leads there.
private func machine(at stage: PodEnrolment.Stage) -> PodEnrolment {
    var machine = PodEnrolment()
    let way: [PodEnrolment.Stage] = [
        .opening, .installing, .proving, .proven, .withdrawing, .draining, .removing,
    ]
    for next in way where machine.stage != stage {
        switch next {
        case .opening: _ = machine.want(.captured(rules))
        case .withdrawing: _ = machine.want(.released)
        default: _ = machine.completed()
        }
        #expect(machine.stage == next)
    }
    return machine
}

@Suite("The life of an attached pod")
struct PodEnrolmentTests {
    @Test("a pod that is wanted goes through every step to proven")
    func enrolling() {
        var machine = PodEnrolment()
        #expect(machine.phase == .attached && !machine.holdsNamespace)
        #expect(machine.want(.captured(rules)) == .openListeners)
        #expect(machine.stage == .opening && machine.phase == .enrolling && machine.holdsNamespace)
        #expect(machine.completed() == .install(rules))
        #expect(machine.stage == .installing && machine.phase == .enrolling)
        #expect(machine.completed() == .prove(rules))
        #expect(machine.stage == .proving && machine.phase == .enrolling)
        #expect(machine.completed() == nil)
        #expect(machine.stage == .proven && machine.phase == .proven && machine.wantedRules == rules)
    }

    @Test("a proven pod that is taken over stays proven; one on its way out drains before its rules go")
    func takenOver() {
        var proven = PodEnrolment(continuing: machine(at: .proven).standing)
        #expect(proven.stage == .proven && proven.phase == .proven && proven.wantedRules == rules)
        #expect(proven.want(.captured(rules)) == nil)
        #expect(proven.audited(.equal) == nil && proven.audited(.absent) == .install(rules))
        var repairing = machine(at: .proven)
        _ = repairing.audited(.absent)
        #expect(PodEnrolment(continuing: repairing.standing).phase == .proven, "peers are not told to go plain")
        var draining = PodEnrolment(continuing: machine(at: .draining).standing)
        #expect(draining.want(.released) == nil && draining.retryDue() == .withdraw)
        #expect(draining.completed() == .drain)
        var early = PodEnrolment(continuing: machine(at: .proving).standing)
        #expect(early.phase != .proven && early.want(.captured(rules)) == .openListeners)
        #expect(!PodEnrolment(continuing: machine(at: .idle).standing).holdsNamespace)
    }

    @Test("a pod that is not wanted any more withdraws, drains, removes and is idle")
    func leaving() {
        var machine = machine(at: .proven)
        #expect(machine.want(.released) == .withdraw)
        #expect(machine.phase == .leaving && machine.wantedRules == nil)
        #expect(machine.completed() == .drain)
        #expect(machine.phase == .leaving)
        #expect(machine.completed() == .remove)
        #expect(machine.phase == .leaving && machine.holdsNamespace)
        #expect(machine.completed() == nil)
        #expect(machine.stage == .idle && machine.phase == .attached && !machine.holdsNamespace)
    }

    @Test("wanting the same once more starts nothing", arguments: [
        PodEnrolment.Stage.idle, .opening, .installing, .proving, .proven, .withdrawing, .draining, .removing,
    ])
    func sameAgain(stage: PodEnrolment.Stage) {
        var machine = machine(at: stage)
        let desire = machine.wantedRules.map(PodEnrolment.Desire.captured) ?? .released
        #expect(machine.want(desire) == nil)
        #expect(machine.stage == stage)
    }

    @Test("what is wanted changes in the middle of a step: the step ends first, then the way turns", arguments: [
        (PodEnrolment.Stage.opening, PodEnrolment.Action.remove), (.installing, .withdraw), (.proving, .withdraw),
    ])
    func turningBack(stage: PodEnrolment.Stage, expected: PodEnrolment.Action) {
        var machine = machine(at: stage)
        #expect(machine.want(.released) == nil)
        #expect(machine.stage == stage)
        #expect(machine.completed() == expected)
    }

    @Test("other rules in the middle of a step are installed before they are proven", arguments: [
        PodEnrolment.Stage.opening, .installing, .proving,
    ])
    func otherRulesMeanwhile(stage: PodEnrolment.Stage) {
        var machine = machine(at: stage)
        #expect(machine.want(.captured(otherRules)) == nil)
        #expect(machine.completed() == .install(otherRules))
        #expect(machine.completed() == .prove(otherRules))
        #expect(machine.completed() == nil)
        #expect(machine.stage == .proven)
    }

    @Test("wanted again while leaving: the rules go in again, without opening or removing anything")
    func comingBack() {
        var withdrawing = machine(at: .withdrawing)
        #expect(withdrawing.want(.captured(rules)) == nil)
        #expect(withdrawing.completed() == .install(rules))
        var draining = machine(at: .draining)
        #expect(draining.want(.captured(rules)) == .install(rules), "draining may take long, so it is left at once")
        var removing = machine(at: .removing)
        #expect(removing.want(.captured(rules)) == nil)
        #expect(removing.completed() == .openListeners)
    }

    @Test("other rules for a proven pod go in without telling peers anything else")
    func newRules() {
        var machine = machine(at: .proven)
        #expect(machine.want(.captured(otherRules)) == .install(otherRules))
        #expect(machine.phase == .proven)
        #expect(machine.completed() == .prove(otherRules))
        #expect(machine.phase == .proven)
    }

    @Test("rules that somebody changed are repaired while the pod stays proven", arguments: [
        CaptureState.absent, .differs("chain gone"),
    ])
    func repair(found: CaptureState) {
        var machine = machine(at: .proven)
        #expect(machine.audited(.equal) == nil && machine.stage == .proven)
        #expect(machine.audited(found) == .install(rules))
        #expect(machine.stage == .installing && machine.phase == .proven)
        #expect(machine.completed() == .prove(rules))
        #expect(machine.phase == .proven)
        #expect(machine.completed() == nil && machine.stage == .proven)
    }

    @Test("only a proven pod is repaired", arguments: [
        PodEnrolment.Stage.idle, .opening, .installing, .proving, .withdrawing, .draining, .removing,
    ])
    func noRepair(stage: PodEnrolment.Stage) {
        var machine = machine(at: stage)
        #expect(machine.audited(.absent) == nil)
        #expect(machine.stage == stage)
    }
}

@Suite("Enrolment that fails")
struct PodEnrolmentFailureTests {
    @Test("a step that fails says why, is told to nobody as proven, and is tried again", arguments: [
        (PodEnrolment.Stage.opening, PodEnrolment.Action.openListeners), (.installing, .openListeners),
        (.proving, .openListeners), (.withdrawing, .withdraw), (.draining, .withdraw), (.removing, .remove),
    ])
    func failure(stage: PodEnrolment.Stage, retried: PodEnrolment.Action) {
        var machine = machine(at: stage)
        #expect(machine.failed("no such device") == .retryLater(seconds: 1))
        #expect(machine.stage == .failed("no such device"))
        #expect(machine.phase == .failed && machine.message == "no such device" && machine.holdsNamespace)
        #expect(machine.retryDue() == retried)
        #expect(machine.message.isEmpty)
    }

    @Test("outcomes without a step under way change nothing")
    func stray() {
        var idle = PodEnrolment()
        #expect(idle.completed() == nil && idle.failed("x") == nil && idle.retryDue() == nil && idle.stage == .idle)
        var proven = machine(at: .proven)
        #expect(proven.completed() == nil && proven.failed("x") == nil && proven.retryDue() == nil)
        #expect(proven.stage == .proven)
    }

    @Test("retries come later and later, up to 30 seconds, and at once again after a success")
    func backOff() {
        var machine = machine(at: .opening)
        for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
            #expect(machine.failed("x") == .retryLater(seconds: seconds))
            #expect(machine.retryDue() == .openListeners)
        }
        while machine.stage != .proven { _ = machine.completed() }
        _ = machine.audited(.absent)
        #expect(machine.failed("x") == .retryLater(seconds: 1))
    }

    @Test("a removal that worked ends the count of failures too")
    func backOffAfterRemoval() {
        var machine = machine(at: .removing)
        _ = machine.failed("x")
        _ = machine.retryDue()
        #expect(machine.completed() == nil && machine.stage == .idle)
        _ = machine.want(.captured(rules))
        #expect(machine.failed("x") == .retryLater(seconds: 1))
    }

    @Test("a change of mind does not wait for the retry; the same wish once more does")
    func changeWhileFailed() {
        var machine = machine(at: .installing)
        _ = machine.failed("x")
        #expect(machine.want(.captured(rules)) == nil, "the back-off would be worth nothing")
        #expect(machine.stage == .failed("x"))
        #expect(machine.want(.released) == .withdraw)
        _ = machine.failed("y")
        #expect(machine.want(.captured(rules)) == .openListeners)
    }

    @Test(
        "an enrolment that failed and is not wanted any more drains first: rules may carry live connections",
        arguments: [PodEnrolment.Stage.installing, .proving])
    func drainsAfterFailure(stage: PodEnrolment.Stage) {
        var machine = machine(at: stage)
        _ = machine.failed("x")
        #expect(machine.want(.released) == .withdraw)
        #expect(machine.phase == .leaving)
        #expect(machine.completed() == .drain)
        #expect(machine.completed() == .remove)
        #expect(machine.completed() == nil && machine.stage == .idle)
    }

    @Test("listeners that did not open carry nothing, unless rules were there before")
    func nothingToDrain() {
        var fresh = machine(at: .opening)
        _ = fresh.failed("x")
        #expect(fresh.want(.released) == .remove)
        var repaired = machine(at: .proven)
        _ = repaired.audited(.absent)
        _ = repaired.failed("x")
        _ = repaired.retryDue()
        #expect(repaired.stage == .opening)
        var reopened = repaired
        _ = reopened.want(.released)
        #expect(reopened.completed() == .withdraw)
        _ = repaired.failed("y")
        #expect(repaired.want(.released) == .withdraw)
    }

    @Test("draining that fails is tried three times, then the rules go all the same")
    func drainGivenUp() {
        var machine = machine(at: .draining)
        for _ in 0..<2 {
            _ = machine.failed("x")
            #expect(machine.retryDue() == .withdraw)
            #expect(machine.completed() == .drain)
        }
        _ = machine.failed("x")
        #expect(machine.retryDue() == .remove)
    }

    @Test("a repair that fails is not reported as proven any more")
    func failedRepair() {
        var machine = machine(at: .proven)
        _ = machine.audited(.absent)
        _ = machine.failed("x")
        #expect(machine.phase == .failed)
        _ = machine.retryDue()
        #expect(machine.phase == .enrolling)
    }
}

@Suite("Rules left over from before a restart")
struct PodEnrolmentLeftoverTests {
    @Test("they are removed when the pod is not wanted")
    func removed() {
        var machine = PodEnrolment(hasLeftovers: true)
        #expect(machine.holdsNamespace, "whoever detaches the pod waits for their removal")
        #expect(machine.want(.released) == .remove)
        #expect(machine.completed() == nil)
        #expect(machine.stage == .idle && !machine.holdsNamespace)
        #expect(machine.want(.released) == nil)
    }

    @Test("they are replaced when the pod is wanted")
    func adopted() {
        var machine = PodEnrolment(hasLeftovers: true)
        #expect(machine.want(.captured(rules)) == .openListeners)
        #expect(machine.completed() == .install(rules))
    }

    @Test("peers are not told plain text because of a restart, but when they are gone")
    func peers() {
        var machine = PodEnrolment(hasLeftovers: true)
        #expect(machine.phase == .proven, "nobody has said yet what is wanted")
        var other = machine
        _ = machine.want(.captured(rules))
        for _ in 0..<3 {
            #expect(machine.phase == .proven)
            _ = machine.completed()
        }
        #expect(machine.stage == .proven)
        _ = other.want(.released)
        #expect(other.phase == .leaving)
        _ = other.completed()
        #expect(other.phase == .attached)
    }

    @Test("a removal that fails is tried again")
    func retried() {
        var machine = PodEnrolment(hasLeftovers: true)
        _ = machine.want(.released)
        #expect(machine.failed("busy") == .retryLater(seconds: 1))
        #expect(machine.retryDue() == .remove)
    }
}

@Suite("Enrolment under chance")
struct PodEnrolmentPropertyTests {
    /// What the namespace would hold if every action did what it says.
    private struct Namespace {
        var listens = false
        var captures: CaptureRules?

        mutating func perform(_ action: PodEnrolment.Action) {
            switch action {
            case .openListeners: listens = true
            case .install(let rules): captures = rules
            case .drain: captures = nil
            case .remove: (listens, captures) = (false, nil)
            case .prove, .withdraw, .retryLater: break
            }
        }
    }

    private func agrees(_ action: PodEnrolment.Action, with stage: PodEnrolment.Stage) -> Bool {
        switch (action, stage) {
        case (.openListeners, .opening), (.install, .installing), (.prove, .proving), (.withdraw, .withdrawing),
            (.drain, .draining), (.remove, .removing), (.retryLater, .failed):
            return true
        default:
            return false
        }
    }

    @Test("whatever happens, no rules capture without listeners, and the last wish comes true", arguments: 0..<64)
    func anyOrder(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var machine = PodEnrolment()
        var namespace = Namespace()
        var desire = PodEnrolment.Desire.released
        var pending: PodEnrolment.Action?
        func take(_ action: PodEnrolment.Action?) {
            guard let action else { return }
            #expect(agrees(action, with: machine.stage), "\(action) in \(machine.stage)")
            pending = action
        }
        func succeed() {
            guard let action = pending else { return }
            pending = nil
            namespace.perform(action)
            if case .retryLater = action { take(machine.retryDue()) } else { take(machine.completed()) }
        }
        func wish(_ wanted: PodEnrolment.Desire) {
            desire = wanted
            take(machine.want(wanted))
        }
        for _ in 0..<200 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: wish(.released)
            case 1: wish(.captured(rules))
            case 2: wish(.captured(otherRules))
            case 3 where pending != nil:
                // A step that fails may have done its work or not.
                if Bool.random(using: &generator), let action = pending { namespace.perform(action) }
                if case .retryLater? = pending { succeed() } else { take(machine.failed("by chance")) }
            case 5:
                // Handed over in the middle, or almost: nobody hears of the outcome of the step under way.
                if Bool.random(using: &generator), let action = pending { namespace.perform(action) }
                pending = nil
                if Bool.random(using: &generator) {
                    machine = PodEnrolment(continuing: machine.standing)
                    take(machine.want(desire) ?? machine.retryDue())
                } else {
                    take(machine.interrupted())
                }
                take(machine.audited(namespace.captures == machine.wantedRules ? .equal : .absent))
            case 4: take(machine.audited(namespace.captures == machine.wantedRules ? .equal : .absent))
            default: succeed()
            }
            if namespace.captures != nil { #expect(namespace.listens, "captured, and nobody listens") }
            let isWaiting = machine.stage == .idle || machine.stage == .proven
            #expect(isWaiting == (pending == nil), "\(machine.stage) with \(String(describing: pending))")
            if machine.phase == .proven { #expect(namespace.listens) }
        }
        for _ in 0..<20 where pending != nil { succeed() }
        #expect(pending == nil)
        switch desire {
        case .released:
            #expect(machine.stage == .idle && !namespace.listens && namespace.captures == nil)
        case .captured(let wanted):
            #expect(machine.stage == .proven && namespace.listens && namespace.captures == wanted)
        }
    }
}
