import MeshIdentity
import MeshModel
import SeededTesting
import Testing

private let web = identity("web")

@Suite("When certificates are asked for")
struct CertificateScheduleTests {
    @Test("a wanted identity is fetched at once, once for all who want it")
    func sharing() {
        var harness = ScheduleHarness()
        harness.want(web)
        harness.want(web)
        harness.want(web, .refresh)
        #expect(harness.running.map(\.identity) == [web])
        #expect(harness.schedule.state(of: web) == .initializing)
        #expect(harness.schedule.state(of: identity("other")) == nil)
        harness.answer(web, life: 1000)
        #expect(harness.schedule.state(of: web) == .available(expiresAt: 1000))
        harness.want(web)
        #expect(harness.running.isEmpty)
    }

    @Test("it is renewed at half of its life, give or take a tenth", arguments: UInt64(1)...20)
    func renewal(seed: UInt64) {
        var harness = ScheduleHarness(seed: seed)
        harness.want(web)
        let day: Int64 = 24 * 3600 * 1000
        harness.answer(web, life: day)
        harness.advance(to: day * 45 / 100 - 1)
        #expect(harness.running.isEmpty)
        harness.advance(to: day * 55 / 100 + 1)
        #expect(harness.running.map(\.identity) == [web])
        #expect(harness.schedule.state(of: web) == .available(expiresAt: day))
    }

    @Test("nodes that got their certificates together do not renew together")
    func jitter() {
        let times = (UInt64(1)...10).map { seed in
            var harness = ScheduleHarness(seed: seed)
            harness.want(web)
            harness.answer(web, life: 1_000_000)
            return harness.schedule.nextWake
        }
        #expect(Set(times).count > 5)
    }

    @Test("certificates of ten seconds are renewed for ever without a gap", arguments: UInt64(1)...10)
    func shortLives(seed: UInt64) {
        var harness = ScheduleHarness(seed: seed)
        harness.want(web)
        var renewals = 0
        while harness.now < 600_000 {
            if harness.running.isEmpty {
                harness.advance(to: harness.schedule.nextWake ?? .max)
            } else {
                harness.advance(to: harness.now + 200)
                harness.answer(web, life: 10_000)
                renewals += 1
            }
        }
        #expect(harness.drops.isEmpty)
        // One every half life and the 200 ms of the call.
        #expect((105...130).contains(renewals), "\(renewals)")
    }

    @Test("while it fails, what is held is kept to its last moment and tried for", arguments: UInt64(1)...20)
    func failureWhileHeld(seed: UInt64) {
        var harness = ScheduleHarness(seed: seed)
        harness.want(web)
        harness.answer(web, life: 10_000)
        var attempts: [Int64] = []
        while harness.drops.isEmpty {
            harness.advance(to: harness.schedule.nextWake ?? .max)
            guard let fetch = harness.running.first else { continue }
            attempts.append(fetch.startedAt)
            #expect(fetch.limit <= max(1000, (10_000 - fetch.startedAt) / 3))
            harness.answer(web, life: nil)
            #expect(harness.announcements.isEmpty)
        }
        #expect(harness.drops.map(\.at) == [10_000])
        #expect((4_500...5_500).contains(attempts[0]))
        for (earlier, later) in zip(attempts, attempts.dropFirst()) where earlier < 10_000 {
            #expect(later - earlier <= max(200, (10_000 - earlier) / 4), "\(attempts)")
            #expect(later - earlier >= 200)
        }
        guard case .unavailable(.expired(web, let reason)) = harness.schedule.state(of: web) else {
            Issue.record("expected: expired")
            return
        }
        #expect(reason.contains("down"))
    }

    @Test("it comes back after it had expired")
    func recovery() {
        var harness = ScheduleHarness()
        harness.want(web)
        harness.answer(web, life: 10_000)
        while harness.drops.isEmpty {
            harness.advance(to: harness.schedule.nextWake ?? .max)
            harness.answer(web, life: nil)
        }
        harness.advance(to: harness.now + 150_000)
        harness.answer(web, life: 10_000)
        #expect(harness.schedule.state(of: web) == .available(expiresAt: harness.now + 10_000))
    }

    @Test("without anything held the wait doubles from half a second to 150, and one failure is told once")
    func backoff() {
        var harness = ScheduleHarness()
        harness.want(web)
        var expected: Int64 = 500
        for _ in 0..<12 {
            harness.answer(web, life: nil)
            let wait = (harness.schedule.nextWake ?? 0) - harness.now
            #expect((expected * 8 / 10...min(150_000, expected * 12 / 10)).contains(wait))
            // Wanting it more does not make the authority be asked more.
            harness.want(web)
            #expect(harness.running.isEmpty)
            harness.advance(to: harness.now + wait)
            #expect(harness.running.count == 1)
            expected = min(150_000, expected * 2)
        }
        #expect(harness.announcements.count == 1)
        #expect(harness.schedule.state(of: web) == .unavailable(unreachable(web)))
        harness.answer(web, life: 1_000_000)
        harness.advance(to: harness.schedule.nextWake ?? 0)
        harness.answer(web, life: nil)
        #expect((harness.schedule.nextWake ?? 0) - harness.now <= 600, "a success resets the back-off")
    }

    @Test("news have everything asked for at once, and what is being asked for once more")
    func news() {
        var harness = ScheduleHarness()
        let other = identity("other")
        harness.want(web)
        harness.want(other)
        harness.answer(web, life: 1_000_000)
        harness.renewAll()
        #expect(Set(harness.running.map(\.identity)) == [web, other])
        harness.answer(web, life: 1_000_000)
        #expect(harness.running.map(\.identity) == [other])
        harness.answer(other, life: nil)
        #expect(harness.running.map(\.identity) == [other], "the answer may be older than the news")
        harness.answer(other, life: 1_000_000)
        #expect(harness.running.isEmpty)
        harness.renewAll()
        harness.renewAll()
        harness.answer(web, life: 1_000_000)
        harness.answer(other, life: 1_000_000)
        #expect(Set(harness.running.map(\.identity)) == [web, other])
    }

    @Test("what is withdrawn is dropped though it is valid, once, and asked for on")
    func withdrawal() {
        var harness = ScheduleHarness()
        harness.want(web)
        harness.answer(web, life: 1_000_000)
        harness.renewAll()
        harness.withdraw(web)
        #expect(harness.drops.map(\.identity) == [web])
        guard case .unavailable(.notGiven(web, _, _)) = harness.schedule.state(of: web) else {
            Issue.record("expected: not given")
            return
        }
        harness.advance(to: harness.schedule.nextWake ?? 0)
        harness.withdraw(web)
        #expect(harness.drops.count == 1 && harness.announcements.isEmpty)
        harness.advance(to: harness.schedule.nextWake ?? 0)
        harness.answer(web, life: 1_000_000)
        #expect(harness.schedule.state(of: web) == .available(expiresAt: harness.now + 1_000_000))
    }

    @Test("no wait goes past the expiry of what is held, whatever happens", arguments: UInt64(1)...30)
    func neverPastExpiry(seed: UInt64) {
        var harness = ScheduleHarness(seed: seed)
        var chance = SeededGenerator(seed: seed &+ 1000)
        harness.want(web)
        for _ in 0..<200 {
            if harness.running.isEmpty {
                if case .available(let expiresAt) = harness.schedule.state(of: web) {
                    #expect((harness.schedule.nextWake ?? .max) <= expiresAt)
                }
                harness.advance(to: harness.schedule.nextWake ?? .max)
            } else {
                harness.advance(to: harness.now + Int64.random(in: 0...3000, using: &chance))
                let life: Int64? = Bool.random(using: &chance) ? Int64.random(in: 1...60_000, using: &chance) : nil
                harness.answer(web, life: life)
            }
        }
    }
}

@Suite("Which certificate is asked for first")
struct CertificateQueueTests {
    @Test("at most eight fetches run at once; each that ends makes room for one")
    func concurrency() {
        var harness = ScheduleHarness()
        for index in 0..<20 { harness.want(identity("\(index)")) }
        #expect(harness.running.count == 8)
        harness.answer(identity("3"), life: 100_000)
        harness.answer(identity("5"), life: nil)
        #expect(harness.running.count == 8)
        #expect(harness.running.suffix(2).map(\.identity) == [identity("8"), identity("9")])
        #expect(harness.schedule.fetchCount == 8)
    }

    @Test("connections that wait come first, then warming up, then renewals; among equals the first")
    func priorities() {
        var harness = ScheduleHarness()
        for index in 0..<8 { harness.want(identity("busy\(index)")) }
        harness.want(identity("refresh1"), .refresh)
        harness.want(identity("warm1"), .warmUp)
        harness.want(identity("warm2"), .warmUp)
        harness.want(identity("real1"), .realTime)
        harness.want(identity("real2"), .realTime)
        // More urgent than it was.
        harness.want(identity("warm2"), .realTime)
        // Never less urgent.
        harness.want(identity("real1"), .refresh)
        for index in 0..<5 { harness.answer(identity("busy\(index)"), life: 1_000_000) }
        #expect(
            harness.running.suffix(5).map(\.identity.serviceAccount)
                == ["real1", "real2", "warm2", "warm1", "refresh1"])
    }

    @Test("a forgotten identity is neither fetched nor kept; its running fetch is abandoned but still counts")
    func forgetting() {
        var harness = ScheduleHarness()
        for index in 0..<8 { harness.want(identity("busy\(index)")) }
        harness.want(identity("queued"))
        harness.forget(identity("queued"))
        harness.forget(identity("busy0"))
        #expect(harness.abandoned == [harness.running[0].ticket])
        #expect(harness.schedule.state(of: identity("busy0")) == nil)
        harness.want(identity("next"))
        #expect(harness.running.count == 8)
        let isWanted = harness.answer(identity("busy0"), life: 1000)
        #expect(!isWanted)
        #expect(harness.schedule.state(of: identity("busy0")) == nil)
        #expect(harness.running.map(\.identity).contains(identity("next")))
        harness.answer(identity("busy1"), life: 1000)
        #expect(!harness.running.map(\.identity).contains(identity("queued")))
        harness.forget(identity("busy1"))
        harness.forget(identity("busy1"))
        #expect(harness.schedule.nextWake == nil)
    }

    @Test("wanted again after it was forgotten, it is fetched anew and the old answer is not taken for the new one")
    func forgottenAndWantedAgain() {
        var harness = ScheduleHarness()
        harness.want(web)
        harness.forget(web)
        harness.want(web)
        #expect(harness.running.count == 2)
        let isOldWanted = harness.answer(web, life: 1000)
        #expect(!isOldWanted)
        #expect(harness.schedule.state(of: web) == .initializing)
        let isNewWanted = harness.answer(web, life: 2000)
        #expect(isNewWanted)
        #expect(harness.schedule.state(of: web) == .available(expiresAt: 2000))
    }
}
