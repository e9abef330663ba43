import ControlKubernetes
import SeededTesting
import Testing

@Suite("The election of a leader", .timeLimit(.minutes(1)))
struct LeaseElectionTests {
    private typealias Election = LeaseElection

    private static func record(_ holder: String, _ revision: String, transitions: Int = 0) -> LeaseRecord {
        LeaseRecord(holder: holder, durationMilliseconds: 15_000, transitions: transitions, revision: revision)
    }

    @Test("a lease that is not there is made, held by renewals, and lost when they fail for ten seconds")
    func alone() {
        var a = Election(name: "a")
        #expect(a.start == .read)
        #expect(a.handle(.found(nil), now: 0) == .write(Self.record("a", "")))
        #expect(a.leadsUntil(now: 0) == nil)
        #expect(a.handle(.written(revision: "1", sentAt: 100), now: 300) == .wait(milliseconds: 2000))
        #expect(a.leadsUntil(now: 300) == 10_100)
        #expect(a.handle(.elapsed, now: 2300) == .write(Self.record("a", "1")))
        #expect(a.handle(.failed, now: 7300) == .wait(milliseconds: 2000))
        // Nobody knows whether the renewal has happened: it is looked at first.
        #expect(a.handle(.elapsed, now: 9300) == .read)
        #expect(a.leadsUntil(now: 10_099) == 10_100)
        #expect(a.leadsUntil(now: 10_100) == nil)
        #expect(a.handle(.found(Self.record("a", "2")), now: 10_200) == .write(Self.record("a", "2")))
        #expect(a.leadsUntil(now: 10_200) == nil)
        #expect(a.handle(.written(revision: "3", sentAt: 10_200), now: 10_300) == .wait(milliseconds: 2000))
        #expect(a.leadsUntil(now: 10_300) == 20_200)
    }

    @Test("another's lease is taken when its version has stood for its whole duration, by our own clock")
    func takeOver() {
        var b = Election(name: "b")
        #expect(b.handle(.found(Self.record("a", "1")), now: 1000) == .wait(milliseconds: 2000))
        #expect(b.handle(.elapsed, now: 3000) == .read)
        // Renewed: counted anew.
        #expect(b.handle(.found(Self.record("a", "2")), now: 14_000) == .wait(milliseconds: 2000))
        #expect(b.handle(.found(Self.record("a", "2")), now: 28_500) == .wait(milliseconds: 500))
        #expect(b.handle(.found(Self.record("a", "2")), now: 29_000) == .write(Self.record("b", "2", transitions: 1)))
        // Somebody else was faster.
        #expect(b.handle(.overtaken, now: 29_100) == .read)
        #expect(b.handle(.found(Self.record("c", "3", transitions: 1)), now: 29_200) == .wait(milliseconds: 2000))
        #expect(b.leadsUntil(now: 29_200) == nil)
    }

    @Test("what is given back is free at once")
    func release() {
        var a = Election(name: "a")
        _ = a.handle(.found(nil), now: 0)
        _ = a.handle(.written(revision: "1", sentAt: 0), now: 0)
        var free = Self.record("", "1")
        free.durationMilliseconds = 1000
        #expect(a.handle(.stop, now: 500) == .write(free))
        #expect(a.leadsUntil(now: 500) == nil)
        #expect(a.handle(.written(revision: "2", sentAt: 500), now: 600) == .end)
        var b = Election(name: "b")
        free.revision = "2"
        #expect(b.handle(.found(free), now: 9) == .write(Self.record("b", "2", transitions: 1)))
    }

    @Test("who does not hold it, or does not know, gives nothing back")
    func nothingToRelease() {
        var b = Election(name: "b")
        #expect(b.handle(.stop, now: 0) == .end)
        var c = Election(name: "c")
        _ = c.handle(.found(Self.record("a", "1")), now: 0)
        #expect(c.handle(.stop, now: 0) == .end)
        #expect(c.handle(.found(nil), now: 0) == .end)
        var d = Election(name: "d")
        _ = d.handle(.found(nil), now: 0)
        _ = d.handle(.failed, now: 0)
        #expect(d.handle(.stop, now: 0) == .end)
    }

    @Test("somebody else's name in the lease ends our leadership before its time")
    func robbed() {
        var a = Election(name: "a")
        _ = a.handle(.found(nil), now: 0)
        _ = a.handle(.written(revision: "1", sentAt: 0), now: 0)
        #expect(a.handle(.elapsed, now: 2000) == .write(Self.record("a", "1")))
        #expect(a.handle(.overtaken, now: 2000) == .read)
        #expect(a.handle(.found(Self.record("b", "2")), now: 2100) == .wait(milliseconds: 2000))
        #expect(a.leadsUntil(now: 2100) == nil)
    }

    @Test("never two leaders, and soon one, whatever clocks show and answers do", arguments: 0..<200)
    func model(seed: Int) {
        var model = LeaseModel(seed: UInt64(seed))
        model.run(untilMilliseconds: 120_000)
        #expect(model.mostLeaders <= 1)
        // Undisturbed, somebody leads after a whole duration and some looks.
        model.calm()
        model.run(untilMilliseconds: 160_000)
        #expect(model.mostLeaders <= 1)
        #expect(model.leaderCount == 1)
    }
}

/// Two candidates, an API server and a network that loses and delays, in one thread. Time is real time; each
/// candidate's clock has an offset and a rate of its own.
private struct LeaseModel {
    private enum Step {
        case arrives(LeaseElection.Action, sentAt: Int64)
        case returns(LeaseElection.Event)
    }

    private struct Candidate {
        var election: LeaseElection
        var name: String
        let offset: Int64
        let percent: Int64
        var next: (time: Int64, step: Step)?

        func clock(_ time: Int64) -> Int64 { offset + time * percent / 100 }
    }

    private var random: SeededGenerator
    private var now: Int64 = 0
    private var lease: LeaseRecord?
    private var version = 0
    private var candidates: [Candidate] = []
    private var lives = 0
    private var isCalm = false
    private(set) var mostLeaders = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        for _ in 0..<2 {
            let offset = Int64.random(in: -1_000_000...1_000_000, using: &random)
            // 15 s over 10 s leaves half: 90 to 120 are within.
            let percent = Int64.random(in: 90...120, using: &random)
            candidates.append(
                Candidate(election: LeaseElection(name: ""), name: "", offset: offset, percent: percent))
        }
        for index in candidates.indices { begin(index) }
    }

    var leaderCount: Int {
        candidates.count { $0.election.leadsUntil(now: $0.clock(now)) != nil }
    }

    mutating func calm() { isCalm = true }

    /// A process starts, with a name that nobody had before.
    private mutating func begin(_ index: Int) {
        lives += 1
        candidates[index].name = "c\(lives)"
        candidates[index].election = LeaseElection(name: "c\(lives)")
        follow(candidates[index].election.start, index)
    }

    private mutating func follow(_ action: LeaseElection.Action, _ index: Int) {
        let delay = isCalm ? 5 : Int64.random(in: 0...3000, using: &random)
        switch action {
        case .wait(let milliseconds):
            let real = milliseconds * 100 / candidates[index].percent
            candidates[index].next = (now + max(real, 1), .returns(.elapsed))
        case .end: begin(index)
        case .read, .write:
            let sentAt = candidates[index].clock(now)
            let isLost = !isCalm && Int.random(in: 0..<10, using: &random) == 0
            candidates[index].next = isLost
                ? (now + 5000, .returns(.failed)) : (now + delay, .arrives(action, sentAt: sentAt))
        }
    }

    private mutating func serve(_ action: LeaseElection.Action, sentAt: Int64) -> LeaseElection.Event {
        guard case .write(var record) = action else { return .found(lease) }
        guard record.revision == lease?.revision ?? "" else { return .overtaken }
        version += 1
        record.revision = "\(version)"
        lease = record
        return .written(revision: record.revision, sentAt: sentAt)
    }

    mutating func run(untilMilliseconds end: Int64) {
        while now < end {
            // Clocks are looked at between steps too.
            let times = candidates.compactMap { $0.next?.time }
            let step = min(times.min() ?? end, now + 250)
            now = max(step, now)
            mostLeaders = max(mostLeaders, leaderCount)
            for index in candidates.indices { turn(index) }
            mostLeaders = max(mostLeaders, leaderCount)
        }
    }

    private mutating func turn(_ index: Int) {
        guard let (time, step) = candidates[index].next, time <= now else { return }
        if !isCalm, Int.random(in: 0..<60, using: &random) == 0 { return begin(index) }
        switch step {
        case .arrives(let action, let sentAt):
            let event = serve(action, sentAt: sentAt)
            let isLost = !isCalm && Int.random(in: 0..<10, using: &random) == 0
            let delay = isCalm ? 5 : Int64.random(in: 0...4000, using: &random)
            candidates[index].next = (now + delay, .returns(isLost ? .failed : event))
        case .returns(let event):
            let isStop = !isCalm && Int.random(in: 0..<40, using: &random) == 0
            let clock = candidates[index].clock(now)
            let action = candidates[index].election.handle(event, now: clock)
            follow(isStop ? candidates[index].election.handle(.stop, now: clock) : action, index)
        }
    }
}
