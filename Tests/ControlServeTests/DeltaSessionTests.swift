import ControlServe
import ControlTranslate
import MeshModel
import MeshWire
import SwiftProtobuf
import Testing

@Suite("A delta stream")
struct DeltaSessionTests {
    private var encoder = WorldEncoder()
    private var session = DeltaSession(node: "node-1")

    private mutating func show(_ world: DesiredWorld) -> [DeltaResponse] {
        _ = encoder.update(to: world)
        return session.push(encoder.world)
    }

    private mutating func ask(_ requests: DeltaRequest...) throws -> [DeltaResponse] {
        for request in requests { _ = try session.receive(request) }
        return session.push(encoder.world)
    }

    @Test("an empty first request means everything, for both types")
    mutating func wildcard() throws {
        _ = show(desired(workloads: [workload("a")], services: [service("s")], policies: [policy("p")]))
        let responses = try ask(request(addressURL), request(policyURL))
        #expect(responses.map(\.typeURL) == [policyURL, addressURL])
        #expect(responses[0].names == ["shop/p"])
        #expect(responses[1].names == [uid("a"), "shop/s"])
    }

    @Test("an empty world is answered with an empty response, once")
    mutating func emptyAnswer() throws {
        let responses = try ask(request(addressURL), request(policyURL))
        #expect(responses.map(\.typeURL) == [policyURL, addressURL])
        #expect(responses.allSatisfy { $0.resources.isEmpty && $0.removedResources.isEmpty && !$0.nonce.isEmpty })
        #expect(session.push(encoder.world) == [])
    }

    @Test("a change sends what changed and nothing else; nothing sends nothing")
    mutating func onlyChanges() throws {
        let first = desired(workloads: [workload("a"), workload("b")], services: [service("s")])
        _ = show(first)
        _ = try ask(request(addressURL))
        #expect(show(first) == [])
        let responses = show(desired(workloads: [workload("a", ip: "10.0.0.1")], services: [service("s")]))
        #expect(responses.count == 1)
        #expect(responses.first?.names == [uid("a")])
        #expect(responses.first?.removedResources == [uid("b")])
    }

    @Test("new policies go before addresses, addresses before removed policies")
    mutating func order() throws {
        _ = show(desired(workloads: [workload("a", policies: ["shop/old"])], policies: [policy("old")]))
        _ = try ask(request(addressURL), request(policyURL))
        let responses = show(desired(workloads: [workload("a", policies: ["shop/new"])], policies: [policy("new")]))
        #expect(responses.map(\.typeURL) == [policyURL, addressURL, policyURL])
        #expect(responses[0].names == ["shop/new"])
        #expect(responses[0].removedResources.isEmpty)
        #expect(responses[1].names == [uid("a")])
        #expect(responses[2].removedResources == ["shop/old"])
    }

    @Test("who asks for routes gets them behind the addresses; who does not gets none")
    mutating func routesOnDemand() throws {
        let tables = [routes("s"), routes("s", client: "c")]
        _ = show(desired(services: [service("s")], policies: [policy("p")], routes: tables))
        #expect(try ask(request(addressURL), request(policyURL)).map(\.typeURL) == [policyURL, addressURL])
        let first = try ask(request(routesURL))
        #expect(first.map(\.typeURL) == [routesURL])
        #expect(first.first?.names == ["shop/s/80", "shop/s/80/c"])
        let next = show(desired(services: [service("t")], policies: [policy("p")], routes: [routes("s", by: "other")]))
        #expect(next.map(\.typeURL) == [addressURL, routesURL])
        #expect(next.last?.names == ["shop/s/80"] && next.last?.removedResources == ["shop/s/80/c"])
    }

    @Test("policies of waypoints: only for who asks; new ones before the addresses, removed ones at the end")
    mutating func attachedPolicies() throws {
        var world = desired(services: [service("s")], policies: [policy("p")])
        world.attachedPolicies = [attached("old")]
        _ = show(world)
        #expect(try ask(request(addressURL), request(policyURL)).map(\.typeURL) == [policyURL, addressURL])
        let first = try ask(request(attachedURL))
        #expect(first.map(\.typeURL) == [attachedURL])
        #expect(first.first?.names == ["request/shop/old"])
        world.services = [service("t")]
        world.attachedPolicies = [attached("new")]
        let next = show(world)
        #expect(next.map(\.typeURL) == [attachedURL, addressURL, attachedURL])
        #expect(next[0].names == ["request/shop/new"] && next[0].removedResources.isEmpty)
        #expect(next[2].removedResources == ["request/shop/old"])
    }

    @Test("a table that the client refused, and that is gone since, is told as removed")
    mutating func refusedAndGone() throws {
        let table = routes("s")
        _ = show(desired(routes: [table]))
        let responses = try ask(request(routesURL, held: ["shop/t/80": "", "shop/s/80": ""]))
        #expect(responses.first?.removedResources == ["shop/t/80"])
        #expect(responses.first?.names == ["shop/s/80"])
    }

    @Test("on reconnection only differences are sent, with names that are gone")
    mutating func resume() throws {
        _ = show(desired(workloads: [workload("a"), workload("b")], policies: [policy("p")]))
        var client = ModelClient()
        client.apply(try ask(request(addressURL), request(policyURL)))
        session = DeltaSession(node: "node-1")
        var held = client.held[addressURL] ?? [:]
        held["shop/gone"] = "1"
        held[uid("b")] = "other"
        let responses = try ask(
            request(addressURL, held: held), request(policyURL, held: client.held[policyURL] ?? [:]))
        #expect(responses.map(\.typeURL) == [policyURL, addressURL])
        #expect(responses[0].resources.isEmpty)
        #expect(responses[1].names == [uid("b")])
        #expect(responses[1].removedResources == ["shop/gone"])
    }

    @Test("a policy removed while the client was away is removed after the addresses that named it")
    mutating func resumeOrder() throws {
        _ = show(desired(workloads: [workload("a")]))
        let responses = try ask(
            request(policyURL, held: ["shop/old": "1"]), request(addressURL, held: [uid("a"): "old"]))
        #expect(responses.map(\.typeURL) == [policyURL, addressURL, policyURL])
        #expect(responses[0].removedResources.isEmpty)
        #expect(responses[2].removedResources == ["shop/old"])
    }

    @Test("an ACK gets no answer, a NACK is noted and nothing is sent until a change")
    mutating func acknowledgements() throws {
        _ = show(desired(workloads: [workload("a")]))
        let nonce = try ask(request(addressURL))[0].nonce
        let notes = try session.receive(request(addressURL, nonce: nonce, refusing: "a: bad"))
        #expect(notes == [.refused(typeURL: addressURL, text: "a: bad")])
        #expect(session.push(encoder.world) == [])
        let next = show(desired(workloads: [workload("a", ip: "10.0.0.1")]))
        #expect(next.first?.names == [uid("a")])
        #expect(try session.receive(request(addressURL, nonce: next[0].nonce)) == [])
        #expect(session.push(encoder.world) == [])
    }

    @Test("a nonce that is not outstanding is noted and otherwise ignored")
    mutating func staleNonce() throws {
        _ = show(desired(workloads: [workload("a")]))
        let nonce = try ask(request(addressURL))[0].nonce
        _ = try session.receive(request(addressURL, nonce: nonce))
        for stale in [nonce, "999", "x"] {
            let notes = try session.receive(request(addressURL, nonce: stale, refusing: "no"))
            #expect(notes == [.staleNonce(typeURL: addressURL)])
        }
        #expect(session.push(encoder.world) == [])
    }

    @Test("nonces are never used twice on a stream")
    mutating func nonces() throws {
        var seen: Set<String> = []
        var count = 0
        var responses = try ask(request(addressURL), request(policyURL))
        for step in 0..<20 {
            for response in responses {
                seen.insert(response.nonce)
                count += 1
            }
            responses = show(desired(workloads: [workload("a", ip: "10.0.0.\(step)")], policies: [policy("\(step)")]))
        }
        #expect(seen.count == count)
    }

    @Test("with one of the two types asked for, the stream is settling")
    mutating func settling() throws {
        #expect(!session.isSettling)
        _ = try session.receive(request(addressURL))
        #expect(session.isSettling)
        _ = try session.receive(request(policyURL))
        #expect(!session.isSettling)
    }

    @Test("an unknown type gets one empty response; too many of them end the stream")
    mutating func unknownTypes() throws {
        let responses = try ask(request("type.googleapis.com/other"))
        #expect(responses.map(\.typeURL) == ["type.googleapis.com/other"])
        #expect(try ask(request("type.googleapis.com/other")) == [])
        #expect(throws: DeltaRefusal.tooManyTypes(limit: ServeLimits.typesPerStreamMax)) {
            for number in 0...ServeLimits.typesPerStreamMax { _ = try session.receive(request("type/\(number)")) }
        }
    }

    @Test("bare workloads are served without services")
    mutating func bareWorkloads() throws {
        _ = show(desired(workloads: [workload("a")], services: [service("s")]))
        let responses = try ask(request(DeltaSession.workloadTypeURL))
        #expect(responses.first?.names == [uid("a")])
        let body = try #require(responses.first?.resources.first?.resource)
        #expect(body.typeURL == DeltaSession.workloadTypeURL)
        #expect(try Istio_Workload_Workload(serializedBytes: body.value).name == "a")
        #expect(show(desired(workloads: [workload("a")])) == [])
        #expect(show(desired()).first?.removedResources == [uid("a")])
    }

    @Test("resources name their addresses as aliases, except those of the host's network")
    mutating func aliases() throws {
        var onHost = workload("h", ip: "10.0.0.9")
        onHost.networkMode = .hostNetwork
        _ = show(desired(workloads: [workload("a", ip: "10.0.0.1"), onHost],
            services: [service("s", vip: "10.1.0.1", block: "10.2.0.0/16")]))
        let resources = try ask(request(addressURL))[0].resources
        let aliases = Dictionary(uniqueKeysWithValues: resources.map { ($0.name, $0.aliases) })
        #expect(aliases == [uid("a"): ["/10.0.0.1"], uid("h"): [], "shop/s": ["/10.1.0.1", "/10.2.0.0/16"]])
    }
}
