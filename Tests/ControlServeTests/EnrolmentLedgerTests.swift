import ControlAuthority
import ControlServe
import Foundation
import MeshModel
import Testing

@Suite("The ledger of proven pods")
struct EnrolmentLedgerTests {
    private let web = PodKey(namespace: "shop", name: "web")
    private let api = PodKey(namespace: "shop", name: "api")
    private let first = EnrolmentLedger.Placement(node: "one", life: "uid1|10.0.0.1|default")
    private let second = EnrolmentLedger.Placement(node: "one", life: "uid2|10.0.0.2|default")

    @Test("only PROVEN from the pod's own node makes it proven", arguments: [
        (PodReport.Phase.attached, false), (.enrolling, false), (.proven, true), (.leaving, false), (.failed, false),
    ])
    func phases(phase: PodReport.Phase, isProven: Bool) {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first])
        let outcome = ledger.report(node: "one", [PodReport(pod: web, phase: phase)])
        #expect(ledger.proven.contains(web) == isProven)
        #expect(outcome.hasChanged == isProven)
    }

    @Test("another node's word does not count, and is told")
    func foreign() {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first])
        let outcome = ledger.report(node: "two", [PodReport(pod: web, phase: .proven)])
        #expect(!outcome.hasChanged)
        #expect(outcome.foreign == [web])
        #expect(ledger.proven.isEmpty)
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven)])
        _ = ledger.report(node: "two", [PodReport(pod: web, phase: .leaving)])
        _ = ledger.report(node: "two", [])
        #expect(ledger.proven == [web])
    }

    @Test("who was proven and leaves is told apart, until its node says more")
    func leaving() {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first, api: first])
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven), PodReport(pod: api, phase: .failed)])
        for isFirst in [true, false] {
            let leaving = [PodReport(pod: web, phase: .leaving), PodReport(pod: api, phase: .leaving)]
            #expect(ledger.report(node: "one", leaving).hasChanged == isFirst)
            #expect(ledger.proven.isEmpty)
            #expect(Set(ledger.leaving.keys) == [web])
        }
        #expect(!ledger.report(node: "two", []).hasChanged)
        var attached = ledger
        #expect(attached.report(node: "one", [PodReport(pod: web, phase: .attached)]).hasChanged)
        #expect(attached.leaving.isEmpty)
        var silent = ledger
        #expect(silent.report(node: "one", []).hasChanged)
        #expect(silent.leaving.isEmpty)
        _ = ledger.place([web: second])
        #expect(ledger.leaving.isEmpty)
    }

    @Test("a report is the whole state: what it does not mention is not proven any more")
    func wholeState() {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first, api: first])
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven), PodReport(pod: api, phase: .proven)])
        #expect(ledger.report(node: "one", [PodReport(pod: api, phase: .proven)]).hasChanged)
        #expect(ledger.proven == [api])
    }

    @Test("a pod with a new uid or address is unproven, and its node has to report again")
    func newLife() {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first])
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven)])
        #expect(ledger.place([web: first]) == [])
        #expect(ledger.proven == [web])
        #expect(ledger.place([web: second]) == ["one"])
        #expect(ledger.proven.isEmpty)
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven)])
        #expect(ledger.proven == [web])
    }

    @Test("a pod that left the resources is dropped, also when it comes back")
    func gone() {
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first])
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven)])
        _ = ledger.place([:])
        #expect(ledger.proven.isEmpty)
        _ = ledger.place([web: first])
        #expect(ledger.proven.isEmpty)
    }

    @Test("a proof that comes before the resource counts when the resource names the same node")
    func early() {
        var ledger = EnrolmentLedger()
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven)])
        _ = ledger.report(node: "two", [PodReport(pod: api, phase: .proven)])
        #expect(ledger.proven.isEmpty)
        _ = ledger.place([web: first, api: first])
        #expect(ledger.proven == [web])
    }

    @Test("what is saved is loaded again; another life in the meantime is not proven")
    func persistence() throws {
        let scratch = try Scratch()
        var ledger = EnrolmentLedger()
        _ = ledger.place([web: first, api: first])
        _ = ledger.report(node: "one", [PodReport(pod: web, phase: .proven), PodReport(pod: api, phase: .proven)])
        let file = EnrolmentFile(scratch.state)
        #expect(try file.load() == [:])
        try file.save(ledger.proofs)
        var next = EnrolmentLedger(proofs: try file.load())
        #expect(next.proven == [web, api])
        #expect(next.place([web: first, api: second]) == ["one"])
        #expect(next.proven == [web])
    }

    @Test("a damaged file is an error, not a guess", arguments: ["", "other\n", "apus enrolment 1\nshop/web one\n"])
    func damaged(text: String) throws {
        let scratch = try Scratch()
        try scratch.state.replace(EnrolmentFile.name, text)
        #expect(throws: AuthorityError.self) { try EnrolmentFile(scratch.state).load() }
    }
}

/// A state directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String
    let state: StateDirectory

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/apust-serve-\(UUID().uuidString)"
        state = try StateDirectory(path: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
