import MeshModel
import Testing
import WaypointRoute

@Suite("Tries beside the first")
struct HedgeScheduleTests {
    private func policy(_ attemptsMax: UInt32 = 2, _ methods: Set<HTTPMethod>? = nil) -> HedgingPolicy {
        var policy = HedgingPolicy(delay: .milliseconds(200))
        policy.attemptsMax = attemptsMax
        if let methods { policy.methods = methods }
        return policy
    }

    @Test("only requests whose method may be repeated", arguments: [
        ("GET", nil, true), ("HEAD", nil, true), ("OPTIONS", nil, true), ("PUT", nil, false), ("POST", nil, false),
        ("DELETE", nil, false), ("PURGE", nil, false), ("POST", [.post], true), ("GET", [.post], false),
    ] as [(String, Set<HTTPMethod>?, Bool)])
    func methods(_ method: String, _ methods: Set<HTTPMethod>?, _ isHedged: Bool) throws {
        let schedule = HedgeSchedule(policy(2, methods), for: try RequestMethod(method.utf8))
        #expect((schedule != nil) == isHedged)
    }

    @Test("as many tries as are said, each after the delay")
    func attempts() throws {
        var schedule = try #require(HedgeSchedule(policy(3), for: .known(.get)))
        var budget = RetryBudget(nil)
        for attempt in 1...2 {
            #expect(schedule.delay == .milliseconds(200) && schedule.attempts == UInt32(attempt))
            #expect(schedule.begins(bodyIsKept: true, budget: &budget))
        }
        #expect(schedule.delay == nil && !schedule.begins(bodyIsKept: true, budget: &budget))
        #expect(budget.activeRetries == 2)
    }

    @Test("none without the whole body, and none beyond the budget of retries")
    func refusals() throws {
        var schedule = try #require(HedgeSchedule(policy(5), for: .known(.get)))
        var budget = RetryBudget(RetryBudgetSettings(percent: 0, minimumConcurrency: 1))
        #expect(!schedule.begins(bodyIsKept: false, budget: &budget) && budget.activeRetries == 0)
        #expect(schedule.begins(bodyIsKept: true, budget: &budget))
        #expect(!schedule.begins(bodyIsKept: true, budget: &budget) && schedule.attempts == 2)
        budget.retryEnded()
        #expect(schedule.begins(bodyIsKept: true, budget: &budget))
    }
}
