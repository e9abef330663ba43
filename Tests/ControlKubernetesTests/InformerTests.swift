import SeededTesting
import Testing

@testable import ControlKubernetes

@Suite("Informer")
struct InformerTests {
    typealias Machine = Informer<Int>

    private func page(_ objects: [(String, Int)], _ revision: String, continuing: String? = nil) -> Machine.Event {
        let objects = objects.map { (key: $0.0, value: $0.1) }
        return .page(Machine.Page(objects: objects, continuing: continuing, revision: revision))
    }

    private func watching(_ objects: [(String, Int)] = [("a", 1)], _ revision: String = "7") -> Machine {
        var machine = Machine(pageLimit: 2)
        _ = machine.handle(page(objects, revision), nowMilliseconds: 0, chance: 0)
        return machine
    }

    @Test("a list in pages is one state, of the first page's version")
    func pages() {
        var machine = Machine(pageLimit: 2)
        #expect(machine.start == .list(continuing: nil, limit: 2))
        let next = machine.handle(page([("a", 1), ("b", 2)], "7", continuing: "t"), nowMilliseconds: 0, chance: 0)
        #expect(next == .list(continuing: "t", limit: 2))
        #expect(machine.objects.isEmpty && !machine.isSynced, "half a list is no state to be in")
        let last = machine.handle(page([("c", 3)], "8"), nowMilliseconds: 0, chance: 0)
        #expect(last == .watch(revision: "7"))
        #expect(machine.objects == ["a": 1, "b": 2, "c": 3])
        let (first, second) = (machine.takeChange(), machine.takeChange())
        #expect(machine.isSynced && first && !second)
    }

    @Test("changes are applied, and the next watch begins behind the last of them")
    func changes() {
        var machine = watching()
        for change: Machine.Change in [
            .put(key: "b", value: 2, revision: "8"), .put(key: "a", value: 3, revision: "9"),
            .delete(key: "b", revision: "10"), .bookmark(revision: "15"),
        ] {
            #expect(machine.handle(.change(change), nowMilliseconds: 0, chance: 0) == nil)
        }
        #expect(machine.objects == ["a": 3])
        #expect(machine.handle(.ended, nowMilliseconds: 60_000, chance: 0) == .watch(revision: "15"))
    }

    @Test("a watch that the server takes is the end of a trouble, before anything comes")
    func opened() {
        var machine = watching()
        _ = machine.handle(.failed(.connection("cut")), nowMilliseconds: 0, chance: 0)
        _ = machine.handle(.elapsed, nowMilliseconds: 0, chance: 0)
        #expect(machine.trouble == .connection("cut"))
        #expect(machine.handle(.opened, nowMilliseconds: 0, chance: 0) == nil)
        #expect(machine.trouble == nil)
    }

    @Test("an object that comes again as it was is no change")
    func same() {
        var machine = watching()
        _ = machine.takeChange()
        _ = machine.handle(.change(.put(key: "a", value: 1, revision: "8")), nowMilliseconds: 0, chance: 0)
        let hasChanged = machine.takeChange()
        #expect(!hasChanged && machine.revision == "8")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let failure: APIFailure
        let wait: ClosedRange<Int>
        /// After the wait, a watch goes on where it was; else everything is listed.
        let resumes: Bool
        var testDescription: String { failure.description }
    }

    @Test(
        "what a failure of a watch leads to",
        arguments: [
            Case(failure: .connection("cut"), wait: 125...250, resumes: true),
            Case(failure: .timeout, wait: 125...250, resumes: true),
            Case(failure: .unauthorized, wait: 125...250, resumes: true),
            Case(failure: .status(500, ""), wait: 125...250, resumes: true),
            Case(failure: .busy(retryAfterSeconds: nil), wait: 125...250, resumes: true),
            Case(failure: .busy(retryAfterSeconds: 3), wait: 3000...3750, resumes: true),
            Case(failure: .busy(retryAfterSeconds: 9999), wait: 60_000...75_000, resumes: true),
            Case(failure: .busy(retryAfterSeconds: -5), wait: 125...250, resumes: true),
            Case(failure: .forbidden(""), wait: 45_000...60_000, resumes: true),
            Case(failure: .expired, wait: 125...250, resumes: false),
            Case(failure: .missing, wait: 125...250, resumes: false),
            Case(failure: .status(400, ""), wait: 125...250, resumes: false),
            Case(failure: .malformed(""), wait: 125...250, resumes: false),
            Case(failure: .tooLarge(1), wait: 125...250, resumes: false),
        ], [0.0, 0.5, 0.999])
    func failures(_ expected: Case, chance: Double) throws {
        var machine = watching()
        let action = machine.handle(.failed(expected.failure), nowMilliseconds: 5000, chance: chance)
        guard case .wait(let milliseconds)? = action else {
            Issue.record("expected a wait, found \(String(describing: action))")
            return
        }
        #expect(expected.wait.contains(milliseconds))
        #expect(machine.trouble == expected.failure)
        #expect(machine.objects == ["a": 1], "a failure takes nothing out of force")
        let next = machine.handle(.elapsed, nowMilliseconds: 6000, chance: chance)
        #expect(next == (expected.resumes ? .watch(revision: "7") : .list(continuing: nil, limit: 2)))
    }

    @Test("waits grow up to half a minute, and a watch that fails again and again ends in a list")
    func backoff() {
        var machine = watching()
        var waits: [Int] = []
        var lists = 0
        for _ in 0..<12 {
            guard case .wait(let milliseconds)? = machine.handle(
                .failed(.connection("")), nowMilliseconds: 0, chance: 0.999)
            else { break }
            waits.append(milliseconds)
            if case .list? = machine.handle(.elapsed, nowMilliseconds: 0, chance: 0) { lists += 1 }
        }
        #expect(waits.count == 12 && waits == waits.sorted())
        #expect(waits.last.map { (29_000...30_000).contains($0) } == true)
        #expect(lists > 0)
    }

    @Test("a server that ends every watch at once is asked less and less")
    func emptyWatches() {
        var machine = watching()
        var waits: [Int] = []
        for _ in 0..<4 {
            guard case .wait(let milliseconds)? = machine.handle(.ended, nowMilliseconds: 10, chance: 0) else { break }
            waits.append(milliseconds)
            _ = machine.handle(.elapsed, nowMilliseconds: 10, chance: 0)
        }
        #expect(waits == [125, 250, 500, 1000])
    }

    @Test("a page that does not come is asked for again; a list whose token is too old comes in one piece")
    func lists() {
        var machine = Machine(pageLimit: 2)
        _ = machine.handle(page([("a", 1), ("b", 2)], "7", continuing: "t"), nowMilliseconds: 0, chance: 0)
        _ = machine.handle(.failed(.timeout), nowMilliseconds: 0, chance: 0)
        #expect(machine.handle(.elapsed, nowMilliseconds: 0, chance: 0) == .list(continuing: "t", limit: 2))
        _ = machine.handle(.failed(.expired), nowMilliseconds: 0, chance: 0)
        #expect(machine.handle(.elapsed, nowMilliseconds: 0, chance: 0) == .list(continuing: nil, limit: nil))
        _ = machine.handle(page([("c", 3)], "9"), nowMilliseconds: 0, chance: 0)
        #expect(machine.objects == ["c": 3])
    }

    @Test("a new list replaces what was known, and says whether anything is different")
    func relist() {
        var machine = watching([("a", 1), ("b", 2)])
        _ = machine.takeChange()
        for (objects, isDifferent) in [([("a", 1), ("b", 2)], false), ([("b", 2)], true)] {
            _ = machine.handle(.failed(.expired), nowMilliseconds: 0, chance: 0)
            _ = machine.handle(.elapsed, nowMilliseconds: 0, chance: 0)
            _ = machine.handle(page(objects, "9"), nowMilliseconds: 0, chance: 0)
            let hasChanged = machine.takeChange()
            #expect(hasChanged == isDifferent)
        }
        #expect(machine.objects == ["b": 2])
        #expect(machine.listCount == 3)
    }

    @Test("whatever fails in whatever order, the objects are the server's in the end", arguments: 0..<400)
    func property(seed: Int) {
        var simulation = Simulation(seed: UInt64(seed))
        for _ in 0..<Int.random(in: 0..<250, using: &simulation.generator) { simulation.step() }
        simulation.settle()
        #expect(simulation.machine.isSynced)
        #expect(simulation.machine.objects == simulation.server.objects)
        #expect(simulation.machine.trouble == nil)
        #expect(simulation.longestWait <= 75_000)
    }
}
