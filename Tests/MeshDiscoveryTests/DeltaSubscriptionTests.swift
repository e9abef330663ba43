import MeshDiscovery
import MeshModel
import SeededTesting
import Testing

@Suite("The machine of one delta subscription")
struct DeltaSubscriptionTests {
    private func accepted(_ nonce: String, _ names: [String: String], removed: [String] = []) -> DeltaOutcome {
        DeltaOutcome(nonce: nonce, accepted: names.map { .init(name: $0, version: $1) }, removed: removed)
    }

    @Test("the first request of a stream asks for everything and carries no nonce")
    func initialRequest() {
        var machine = DeltaSubscription(typeURL: "t")
        #expect(machine.connect() == DeltaRequest(typeURL: "t", isInitial: true))
        #expect(!machine.isReady)
    }

    @Test("a good response is acknowledged with its nonce and nothing else")
    func acknowledgement() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        #expect(machine.receive(accepted("1", ["a": "v1"])) == DeltaRequest(typeURL: "t", nonce: "1"))
        #expect(machine.isReady)
    }

    @Test("an empty response makes ready and is acknowledged")
    func emptyResponse() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        #expect(machine.receive(accepted("1", [:])) == DeltaRequest(typeURL: "t", nonce: "1"))
        #expect(machine.isReady)
    }

    @Test("refused resources are named with their reasons; the good ones of the response count")
    func refusal() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        var outcome = accepted("1", ["good": "v1"])
        outcome.rejected = [.init(name: "a", reason: "x"), .init(name: "b", reason: "y")]
        #expect(machine.receive(outcome) == DeltaRequest(typeURL: "t", nonce: "1", errorMessage: "a: x; b: y"))
        machine.disconnect()
        #expect(machine.connect().initialVersions == ["good": "v1"])
    }

    @Test("a new stream resumes from what is held: accepted, not removed, and never the refused version")
    func resume() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        _ = machine.receive(accepted("1", ["a": "v1", "b": "v1", "c": "v1"]))
        _ = machine.receive(accepted("2", ["b": "v2"], removed: ["a", "unknown"]))
        var refused = DeltaOutcome(nonce: "3")
        refused.rejected = [.init(name: "c", reason: "x"), .init(name: "d", reason: "x")]
        _ = machine.receive(refused)
        machine.disconnect()
        let request = machine.connect()
        #expect(request.initialVersions == ["b": "v2", "c": "v1"])
        #expect(request.nonce.isEmpty && request.isInitial)
        #expect(machine.isReady)
    }

    @Test("a name removed and sent in one response is held")
    func removedAndSent() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        _ = machine.receive(accepted("1", ["a": "v1"], removed: ["a"]))
        #expect(machine.heldVersions == ["a": "v1"])
    }

    @Test("a response of a stream that is gone is not answered on the next one, though what it brought counts")
    func staleResponse() {
        var machine = DeltaSubscription(typeURL: "t")
        #expect(machine.receive(accepted("0", [:])) == nil)
        _ = machine.connect()
        machine.disconnect()
        #expect(machine.receive(accepted("1", ["a": "v1"])) == nil)
        #expect(machine.connect().initialVersions == ["a": "v1"])
    }

    @Test("a response without a nonce is not answered: the answer would be a new subscription")
    func withoutNonce() {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        #expect(machine.receive(accepted("", ["a": "v1"])) == nil)
    }

    @Test("the text of a refusal is bounded")
    func boundedRefusal() throws {
        var machine = DeltaSubscription(typeURL: "t")
        _ = machine.connect()
        var outcome = DeltaOutcome(nonce: "1")
        outcome.rejected = (0..<100_000).map { .init(name: "resource-\($0)", reason: "no good") }
        let text = try #require(machine.receive(outcome)?.errorMessage)
        #expect(text.utf8.count < DeltaSubscription.errorMessageBytesMax + 40)
        #expect(text.hasPrefix("resource-0: no good; resource-1: no good"))
        #expect(text.hasSuffix(" more"))
    }
}

@Suite("The delay before connecting again")
struct ReconnectDelayTests {
    @Test("it doubles from 10 ms to 15 s, spread by a fifth, and starts anew after a success")
    func doubling() {
        var delay = ReconnectDelay()
        var generator = SeededGenerator(seed: 1)
        var expected = Duration.milliseconds(10)
        for _ in 0..<14 {
            let wait = delay.afterFailure(using: &generator)
            #expect((expected * 0.8...min(.seconds(15), expected * 1.2)).contains(wait))
            expected = min(.seconds(15), expected * 2)
        }
        delay.reset()
        #expect(delay.afterFailure(using: &generator) <= .milliseconds(12))
    }
}

@Suite("Where the control plane is")
struct ControlPlaneEndpointTests {
    @Test("addresses are read with their scheme, host and port", arguments: [
        ("https://istiod.istio-system.svc:15012", "istiod.istio-system.svc", 15012, true),
        ("istiod.istio-system.svc:15012", "istiod.istio-system.svc", 15012, true),
        ("https://istiod/", "istiod", 15012, true), ("http://127.0.0.1:15010", "127.0.0.1", 15010, false),
        ("https://[::1]:15012", "::1", 15012, true), ("[2001:db8::1]", "2001:db8::1", 15012, true),
    ])
    func parsing(url: String, host: String, port: Int, isSecure: Bool) throws {
        let endpoint = try #require(ControlPlaneEndpoint(url: url, roots: .system))
        #expect(endpoint.host == host)
        #expect(Int(endpoint.port) == port)
        #expect(endpoint.security == (isSecure ? .tls(.system) : .plaintext))
    }

    @Test("what is no address is refused", arguments: ["", "https://", "https://host:0", "host:port", "a/b:1", "::1"])
    func refused(url: String) {
        #expect(ControlPlaneEndpoint(url: url, roots: .system) == nil)
    }
}
