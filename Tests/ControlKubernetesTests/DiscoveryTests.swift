import ControlSources
import Testing

@testable import ControlKubernetes

@Suite("Discovery of kinds")
struct DiscoveryTests {
    private static let slices = ResourceKind.all.first { $0.kind == "EndpointSlice" }

    private func slices() throws -> ResourceKind { try #require(Self.slices) }

    @Test("the best version that has the kind")
    func versions() throws {
        let kind = try slices()
        let has: Result<Set<String>, APIFailure> = .success(["endpointslices"])
        let (v1, beta) = ("/apis/discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1beta1")
        let both = ["discovery.k8s.io": Set(["v1", "v1beta1"])]
        #expect(Discovery.presence(kind, both, [v1: has, beta: has]) == .served(version: "v1"))
        #expect(Discovery.presence(kind, both, [v1: .success([]), beta: has]) == .served(version: "v1beta1"))
        #expect(Discovery.presence(kind, ["discovery.k8s.io": ["v1beta1"]], [beta: has]) == .served(version: "v1beta1"))
        #expect(Discovery.presence(kind, both, [v1: .success([]), beta: .success([])]) == .absent)
        #expect(Discovery.presence(kind, ["discovery.k8s.io": ["v2"]], [:]) == .absent)
        #expect(Discovery.presence(kind, [:], [:]) == .absent)
        #expect(Discovery.presence(kind, both, [v1: .failure(.missing), beta: has]) == .served(version: "v1beta1"))
        #expect(Discovery.presence(kind, both, [v1: .failure(.timeout), beta: has]) == .unknown(.timeout))
    }

    @Test("what cannot be listed and watched is no kind for us")
    func verbs() throws {
        let text = """
            {"resources":[{"name":"a","verbs":["get","list","watch"]},{"name":"b","verbs":["list"]},{"name":"c"}]}
            """
        #expect(Discovery.watchable(try DataTree.json(Array(text.utf8))) == ["a"])
    }

    @Test("a kind that is away for a moment keeps its objects")
    func ledger() throws {
        let kind = try slices()
        let served = ServedKind(kind: kind, version: "v1")
        var ledger = KindLedger(absenceMilliseconds: 1000)
        #expect(ledger.isUnknown(kind))
        #expect(ledger.take([kind: .unknown(.timeout)], nowMilliseconds: 0) == [])
        #expect(ledger.isUnknown(kind))
        #expect(ledger.take([kind: .absent], nowMilliseconds: 1) == [])
        #expect(!ledger.isUnknown(kind) && ledger.absent == [kind])
        #expect(ledger.take([kind: .served(version: "v1")], nowMilliseconds: 2) == [.start(served)])
        #expect(ledger.take([kind: .served(version: "v1")], nowMilliseconds: 3) == [])
        #expect(ledger.take([kind: .absent], nowMilliseconds: 5000) == [], "once is not enough")
        #expect(ledger.take([kind: .absent], nowMilliseconds: 5900) == [])
        #expect(ledger.take([kind: .served(version: "v1")], nowMilliseconds: 5950) == [])
        #expect(ledger.take([kind: .absent], nowMilliseconds: 6500) == [], "the time begins anew")
        #expect(ledger.take([kind: .unknown(.timeout)], nowMilliseconds: 7600) == [])
        #expect(ledger.take([kind: .absent], nowMilliseconds: 7700) == [.stop(kind)])
        #expect(ledger.served.isEmpty && ledger.absent == [kind])
    }

    @Test("a better version takes over")
    func upgrade() throws {
        let kind = try slices()
        var ledger = KindLedger(absenceMilliseconds: 1000)
        _ = ledger.take([kind: .served(version: "v1beta1")], nowMilliseconds: 0)
        let orders = ledger.take([kind: .served(version: "v1")], nowMilliseconds: 1)
        #expect(orders == [.start(ServedKind(kind: kind, version: "v1"))])
    }
}
