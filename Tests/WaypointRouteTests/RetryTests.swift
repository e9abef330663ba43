import MeshModel
import SeededTesting
import Testing
import WaypointRoute

@Suite("Retries and timeouts")
struct RetryTests {
    private var unlimited: RetryBudget { RetryBudget(nil) }

    /// How many tries these outcomes lead to, the first included.
    private func tries(_ policy: RetryPolicy, _ outcomes: [AttemptOutcome]) -> Int {
        var schedule = RetrySchedule(policy)
        var budget = unlimited
        var generator = SeededGenerator(seed: 5)
        for (index, outcome) in outcomes.enumerated() {
            let decision = schedule.next(
                after: outcome, remaining: nil, bodyIsKept: true, budget: &budget, using: &generator)
            if case .stop = decision { return index + 1 }
        }
        return outcomes.count + 1
    }

    private func answers(_ status: UInt16, _ count: Int) -> [AttemptOutcome] {
        Array(repeating: .answered(status: status, grpcStatus: nil), count: count)
    }

    @Test("HTTPRouteRetry")
    func codes() throws {
        let policy = try RetryPolicy.gateway(statuses: [500], attempts: 3)
        #expect(tries(policy, answers(500, 2)) == 3)
        #expect(tries(policy, answers(500, 4)) == 4)
        #expect(tries(policy, answers(503, 2)) == 1)
        #expect(tries(policy, answers(200, 2)) == 1)
        let all = try RetryPolicy.gateway(statuses: [500, 502, 503, 504], attempts: 2)
        for status in [500, 502, 503, 504] as [UInt16] {
            #expect(tries(all, answers(status, 1)) == 2)
            #expect(tries(all, answers(status, 3)) == 3)
        }
    }

    @Test("HTTPRouteRetryConnectionError, HTTPRouteRetryWithTimeouts: without codes too")
    func withoutCodes() throws {
        let policy = try RetryPolicy.gateway(statuses: [], attempts: 3)
        for outcome in [
            AttemptOutcome.connectFailed, .refusedStream, .reset(requestSent: true), .reset(requestSent: false),
            .timedOut,
        ] {
            #expect(tries(policy, [outcome, outcome]) == 3)
            #expect(tries(policy, Array(repeating: outcome, count: 5)) == 4)
        }
        #expect(tries(policy, answers(500, 1)) == 1)
    }

    @Test("the default of the mesh never replays what an application may have done")
    func meshDefault() {
        #expect(tries(.meshDefault, Array(repeating: .connectFailed, count: 5)) == 3)
        for outcome in [
            AttemptOutcome.reset(requestSent: true), .timedOut, .answered(status: 503, grpcStatus: nil),
            .answered(status: 200, grpcStatus: 13),
        ] {
            #expect(!RetryPolicy.meshDefault.covers(outcome), "\(outcome)")
        }
        #expect(RetryPolicy.meshDefault.covers(.answered(status: 200, grpcStatus: 14)))
        #expect(RetryPolicy.meshDefault.covers(.answered(status: 200, grpcStatus: 1)))
    }

    @Test("each condition covers what its token says", arguments: [
        (.gatewayError, [502, 503, 504], [500, 409]), (.serverError, [500, 503, 599], [409, 404]),
        (.retriable4xx, [409], [404, 500]), (.connectFailure, [], [502, 503]),
    ] as [(RetryCondition, [UInt16], [UInt16])])
    func conditions(_ condition: RetryCondition, _ covered: [UInt16], _ others: [UInt16]) throws {
        let policy = try RetryPolicy(attempts: 1, conditions: [condition])
        for status in covered { #expect(policy.covers(.answered(status: status, grpcStatus: nil))) }
        for status in others { #expect(!policy.covers(.answered(status: status, grpcStatus: nil))) }
        #expect(policy.covers(.connectFailed) == (condition != .retriable4xx))
    }

    @Test("a body that was not kept, a spent budget and too little time end it")
    func ends() throws {
        let policy = try RetryPolicy.gateway(statuses: [500], attempts: 9, backOff: RetryBackOff(minimum: .seconds(1)))
        var generator = SeededGenerator(seed: 5)
        var budget = RetryBudget(RetryBudgetSettings(percent: 20, minimumConcurrency: 1))
        var schedule = RetrySchedule(policy)
        let failed = AttemptOutcome.answered(status: 500, grpcStatus: nil)
        #expect(
            schedule.next(after: failed, remaining: nil, bodyIsKept: false, budget: &budget, using: &generator)
                == .stop(.bodyNotKept))
        #expect(
            schedule.next(
                after: failed, remaining: .milliseconds(900), bodyIsKept: true, budget: &budget, using: &generator)
                == .stop(.deadline))
        #expect(schedule.retries == 0 && budget.activeRetries == 0)
        guard case .retry = schedule.next(
            after: failed, remaining: nil, bodyIsKept: true, budget: &budget, using: &generator)
        else { throw Unexpected(schedule) }
        #expect(
            schedule.next(after: failed, remaining: nil, bodyIsKept: true, budget: &budget, using: &generator)
                == .stop(.overBudget))
        budget.retryEnded()
        guard case .retry = schedule.next(
            after: failed, remaining: nil, bodyIsKept: true, budget: &budget, using: &generator)
        else { throw Unexpected(schedule) }
    }

    @Test("a budget is a share of the active requests, but always a few")
    func budget() {
        var budget = RetryBudget(RetryBudgetSettings(percent: 20, minimumConcurrency: 3))
        let take = { (budget: inout RetryBudget) in (0..<100).filter { _ in budget.takeRetry() }.count }
        #expect(take(&budget) == 3)
        for _ in 0..<50 { budget.requestStarted() }
        #expect(take(&budget) == 7)
        for _ in 0..<60 { budget.requestEnded() }
        #expect(budget.activeRequests == 0 && !budget.takeRetry())
        for _ in 0..<20 { budget.retryEnded() }
        #expect(budget.activeRetries == 0)
        var unlimited = unlimited
        #expect(take(&unlimited) == 100)
    }

    @Test("pauses double with chance in them, keep the minimum and stop growing at ten times the base")
    func pauses() throws {
        var generator = SeededGenerator(seed: 8)
        let most = { (backOff: RetryBackOff, number: Int) in
            (0..<300).map { _ in backOff.pause(beforeRetry: number, using: &generator) }
        }
        for (number, limit) in [(1, 25), (2, 75), (3, 175), (4, 250), (5, 250), (60, 250)] {
            let pauses = most(.standard, number)
            #expect(pauses.allSatisfy { $0 >= .zero && $0 < .milliseconds(limit) })
            #expect(pauses.contains { $0 > .milliseconds(limit * 3 / 4) })
            #expect(pauses.contains { $0 < .milliseconds(limit / 4) })
        }
        for (number, limit) in [(1, 200), (2, 400), (10, 1000)] {
            let pauses = most(try RetryBackOff(minimum: .milliseconds(100)), number)
            #expect(pauses.allSatisfy { $0 >= .milliseconds(100) && $0 < .milliseconds(limit) })
        }
    }

    @Test("HTTPRouteTimeoutRequest, HTTPRouteTimeoutBackendRequest; a caller's grpc-timeout where it is shorter")
    func deadlines() throws {
        let call = { (timeout: String) in
            try Make.head("POST /s/M", [("content-type", "application/grpc"), ("grpc-timeout", timeout)])
        }
        let web = try Make.head("/", [("grpc-timeout", "1S")])
        let limits = try RouteTimeouts(request: RouteTimeout(.seconds(5)), backendRequest: RouteTimeout(.seconds(2)))
        let off = try RouteTimeouts(request: RouteTimeout(.zero), backendRequest: RouteTimeout(.zero))
        #expect(RequestDeadlines(limits, for: web).request == .seconds(5))
        #expect(RequestDeadlines(limits, for: web).attempt == .seconds(2))
        #expect(RequestDeadlines(off, for: web).request == nil && RequestDeadlines(off, for: web).attempt == nil)
        #expect(RequestDeadlines(.none, for: web).request == nil)
        #expect(try RequestDeadlines(limits, for: call("1S")).request == .seconds(1))
        #expect(try RequestDeadlines(limits, for: call("1H")).request == .seconds(5))
        #expect(try RequestDeadlines(off, for: call("100m")).request == .milliseconds(100))
    }

    @Test("a grpc-timeout that would overflow is none (ISTIO-SECURITY-2021-003)", arguments: [
        ("1H", .seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
        ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("99999999H", .seconds(359_999_996_400)),
        ("100000000H", nil), ("99999999999999999999999999S", nil), ("", nil), ("S", nil), ("1", nil), ("-1S", nil),
        ("1s", nil), ("1.5S", nil), (" 1S", nil),
    ] as [(String, Duration?)])
    func grpcTimeout(_ text: String, _ expected: Duration?) {
        #expect(RequestDeadlines.grpcTimeout(Array(text.utf8)[...]) == expected)
    }
}
