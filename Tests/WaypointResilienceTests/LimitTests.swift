import MeshModel
import SeededTesting
import Testing

@testable import WaypointResilience

@Suite("Limits hold")
struct LimitTests {
    @Test("a breaker counts each resource on its own and gives back")
    func breaker() {
        var limits = ConnectionLimits()
        limits.requestsMax = 2
        limits.retriesMax = 0
        var breaker = CircuitBreaker(limits)
        #expect(breaker.take(.requests) && breaker.take(.requests) && !breaker.take(.requests))
        #expect(!breaker.take(.retries) && breaker.take(.connections) && breaker.overflows == 2)
        breaker.release(.requests)
        limits.requestsMax = 1
        var narrower = CircuitBreaker(limits, continuing: breaker)
        #expect(narrower.take(.requests) == false)
        narrower.release(.requests)
        narrower.release(.requests)
        #expect(narrower.count(.requests) == 0 && narrower.take(.requests))
    }

    private static let limit = RateLimit(
        key: .identity, tokensMax: 5, tokensPerFill: 2, fillInterval: .seconds(1))

    @Test("a bucket never gives more than its size and its refills", arguments: 0..<200 as Range<UInt64>)
    func bucket(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bucket = TokenBucket(Self.limit, now: .zero)
        var (now, taken) = (Duration.zero, 0)
        for _ in 0..<300 {
            now += .milliseconds(Int.random(in: 0...900, using: &generator))
            if bucket.take(Self.limit, now: now) { taken += 1 }
            let seconds = Int(now.components.seconds)
            #expect(taken <= 5 + 2 * seconds)
        }
        #expect(taken > 0)
    }

    @Test("a long pause fills a bucket to its size and no further")
    func pause() {
        var bucket = TokenBucket(Self.limit, now: .zero)
        for _ in 0..<5 { #expect(bucket.take(Self.limit, now: .zero) == true) }
        let now = Duration.seconds(Int64.max / 4)
        for _ in 0..<5 { #expect(bucket.take(Self.limit, now: now) == true) }
        #expect(bucket.take(Self.limit, now: now) == false)
    }

    @Test("each key has a bucket of its own; made-up keys get no fresh tokens and no memory")
    func keys() {
        var limiter = RateLimiter(Self.limit, keysMax: 8)
        for _ in 0..<5 { #expect(limiter.take(.text("a"), now: .zero).isTaken) }
        let (again, other) = (limiter.take(.text("a"), now: .zero), limiter.take(.text("b"), now: .zero))
        #expect(!again.isTaken && other.isTaken)
        let passed = (0..<1000).count { limiter.take(.text("made up \($0)"), now: .zero).isTaken }
        #expect(passed == 6 + 5 && limiter.keyCount == 8)
        #expect(!limiter.take(.text("a"), now: .zero).isTaken)
        // Full buckets make room, for whoever comes.
        let later = Duration.seconds(60)
        let room = (0..<8).allSatisfy { limiter.take(.text("later \($0)"), now: later).isTaken }
        #expect(room && limiter.keyCount == 8)
    }

    @Test("a bucket says what it holds and when it gets more")
    func standing() {
        var limiter = RateLimiter(Self.limit)
        let first = limiter.take(nil, now: .zero)
        #expect(first.standing == RateStanding(limit: 5, remaining: 4, refill: .seconds(1)))
        for _ in 0..<4 { #expect(limiter.take(nil, now: .zero).isTaken) }
        let refused = limiter.take(nil, now: .milliseconds(400))
        #expect(!refused.isTaken)
        #expect(refused.standing == RateStanding(limit: 5, remaining: 0, refill: .milliseconds(600)))
    }

    @Test("a shield tells requests apart by identity or field, and says which limit refused")
    func shield() throws {
        let one = Identity(namespace: "a", serviceAccount: "x")
        let other = Identity(namespace: "a", serviceAccount: "y")
        let name = try HeaderName("x-user")
        var limits = TrafficGuard()
        limits.rateLimits = [
            RateLimit(key: .identity, tokensMax: 1, tokensPerFill: 1, fillInterval: .seconds(1)),
            RateLimit(key: .header(name), tokensMax: 2, tokensPerFill: 1, fillInterval: .seconds(1)),
        ]
        var shield = ServiceShield(limits)
        func facts(_ identity: Identity, _ user: String?) -> ServiceShield.Facts {
            ServiceShield.Facts(identity: identity) { $0 == name ? user : nil }
        }
        #expect(shield.admit(facts(one, "u"), now: .zero).isLetIn)
        #expect(!shield.admit(facts(one, "u"), now: .zero).isLetIn)
        #expect(shield.admit(facts(other, "u"), now: .zero).isLetIn)
        #expect(shield.admit(facts(one, "u"), now: .seconds(1)).isLetIn)
        var open = ServiceShield(TrafficGuard())
        #expect((0..<100).allSatisfy { _ in open.admit(facts(one, nil), now: .zero) == ServiceShield.Admission() })

        limits.rateLimits = []
        limits.concurrency = AdaptiveConcurrencySettings()
        var adaptive = ServiceShield(limits)
        #expect((0..<4).map { _ in adaptive.enter() } == [true, true, true, false] && open.enter())
    }

    @Test("faults strike their share of requests", arguments: [
        (0.0, 0...0), (0.0001, 0...3), (10, 9_000...11_000), (100, 100_000...100_000),
    ] as [(Double, ClosedRange<Int>)])
    func faults(_ percent: Double, _ expected: ClosedRange<Int>) throws {
        let share = try #require(RequestShare(percent: percent))
        let fault = FaultInjection(
            delay: .init(duration: .seconds(2), share: share), abort: .init(answer: .grpc(status: 14), share: share))
        var generator = SeededGenerator(seed: 5)
        let decisions = (0..<100_000).map { _ in fault.decide(using: &generator) }
        #expect(expected.contains(decisions.count { $0.delay == .seconds(2) }))
        #expect(expected.contains(decisions.count { $0.abort == .grpc(status: 14) }))
    }

    @Test("shares are zero or from 0.0001 to 100 percent", arguments: [-1, 0.00001, 100.1, .nan, .infinity])
    func shares(_ percent: Double) {
        #expect(RequestShare(percent: percent) == nil)
    }

    @Test("named callers reach workloads in quarantine, nobody else does, not even when nothing else is left")
    func quarantine() {
        let doctor = Identity(namespace: "ops", serviceAccount: "doctor")
        var rules = TrafficRules(service: ServiceKey(namespace: "ns", hostname: "h"))
        #expect(!Quarantine(rules).isMeant(doctor) { _ in true } && Quarantine().admits("a", isMeant: false))
        rules.quarantined = ["sick"]
        rules.limits.quarantineCallers = [doctor]
        let quarantine = Quarantine(rules)
        #expect(!quarantine.admits("sick", isMeant: false) && quarantine.admits("well", isMeant: false))
        #expect(quarantine.admits("sick", isMeant: true) && !quarantine.admits("well", isMeant: true))
        #expect(quarantine.isMeant(doctor) { $0 == "sick" } && !quarantine.isMeant(doctor) { _ in false })
        #expect(!quarantine.isMeant(nil) { _ in true })
        #expect(!quarantine.isMeant(Identity(namespace: "ops", serviceAccount: "nurse")) { _ in true })
    }
}
