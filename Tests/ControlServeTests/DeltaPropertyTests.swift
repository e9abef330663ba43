import ControlServe
import ControlTranslate
import MeshModel
import MeshWire
import SeededTesting
import Testing

@Suite("Delta streams and random worlds")
struct DeltaPropertyTests {
    private static func randomWorld(_ generator: inout SeededGenerator) -> DesiredWorld {
        var world = DesiredWorld()
        let policies = (0..<4).filter { _ in Bool.random(using: &generator) }
        world.policies = policies.map { policy("p\($0)", dryRun: Bool.random(using: &generator)) }
        for number in 0..<6 where Bool.random(using: &generator) {
            world.workloads.append(
                workload(
                    "w\(number)", ip: "10.0.0.\(Int.random(in: 1...3, using: &generator))", node: "node-\(number % 3)",
                    policies: policies.filter { _ in Bool.random(using: &generator) }.map { "shop/p\($0)" },
                    services: Bool.random(using: &generator) ? ["s0"] : []))
        }
        for number in 0..<2 where Bool.random(using: &generator) {
            world.services.append(
                service("s\(number)", vip: "10.1.0.\(Int.random(in: 1...2, using: &generator))"))
        }
        for number in 0..<3 where Bool.random(using: &generator) {
            let client = Bool.random(using: &generator) ? nil : "c"
            let name = "r\(Int.random(in: 0...1, using: &generator))"
            world.routes.append(routes("s\(number)", by: name, client: client))
            let requests = UInt32.random(in: 1...2, using: &generator)
            world.traffic.append(traffic("s\(number)", requests: requests, proxy: client))
        }
        for number in 0..<3 where Bool.random(using: &generator) {
            world.attachedPolicies.append(attached("a\(number)", isDryRun: Bool.random(using: &generator)))
        }
        return world
    }

    @Test("a client that applies responses always equals the snapshot, over skipped ones, NACKs and reconnections",
        arguments: 0..<60 as Range<UInt64>)
    func wildcardFollows(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var encoder = WorldEncoder()
        var session = DeltaSession(node: "node-1")
        var client = ModelClient()
        _ = try session.receive(request(addressURL))
        _ = try session.receive(request(policyURL))
        _ = try session.receive(request(routesURL))
        _ = try session.receive(request(attachedURL))
        _ = try session.receive(request(trafficURL))
        for _ in 0..<40 {
            // More than one change between two pushes is the rule for a slow client.
            for _ in 0...Int.random(in: 0...100, using: &generator) / 90 * 70 {
                _ = encoder.update(to: Self.randomWorld(&generator))
            }
            if Int.random(in: 0..<6, using: &generator) == 0 {
                session = DeltaSession(node: "node-1")
                _ = try session.receive(request(policyURL, held: client.held[policyURL] ?? [:]))
                _ = try session.receive(request(addressURL, held: client.held[addressURL] ?? [:]))
                _ = try session.receive(request(routesURL, held: client.held[routesURL] ?? [:]))
                _ = try session.receive(request(attachedURL, held: client.held[attachedURL] ?? [:]))
                _ = try session.receive(request(trafficURL, held: client.held[trafficURL] ?? [:]))
            }
            let responses = session.push(encoder.world)
            for (index, response) in responses.enumerated() {
                client.apply([response])
                // No workload names a policy that the client does not have.
                if response.typeURL == addressURL {
                    let later = responses[(index + 1)...]
                        .filter { ![routesURL, trafficURL].contains($0.typeURL) }.flatMap(\.resources)
                    #expect(later.isEmpty, "seed \(seed)")
                }
                let refusal = Bool.random(using: &generator) ? nil : "refused"
                _ = try session.receive(request(response.typeURL, nonce: response.nonce, refusing: refusal))
            }
            #expect(client.held[addressURL] == encoder.world.addresses.versions, "seed \(seed)")
            #expect(client.held[policyURL] == encoder.world.policies.versions, "seed \(seed)")
            #expect(client.held[routesURL] == encoder.world.routes.versions, "seed \(seed)")
            #expect(client.held[attachedURL] == encoder.world.attachedPolicies.versions, "seed \(seed)")
            #expect(client.held[trafficURL] == encoder.world.traffic.versions, "seed \(seed)")
        }
    }

    @Test("on demand: the current version of every name ever sent, and all endpoints of its service",
        arguments: 0..<60 as Range<UInt64>)
    func onDemandFollows(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var encoder = WorldEncoder()
        var session = DeltaSession(node: "node-1")
        var client = ModelClient()
        _ = try session.receive(request(addressURL, subscribe: ["*"], unsubscribe: ["*"]))
        let keys = ["shop/s0", "/10.0.0.2", uid("w5"), "/10.1.0.1"]
        for step in 0..<30 {
            _ = encoder.update(to: Self.randomWorld(&generator))
            if step % 7 == 3 { _ = try session.receive(request(addressURL, subscribe: [keys[step / 7 % 4]])) }
            client.apply(session.push(encoder.world))
            let addresses = encoder.world.addresses
            for (name, version) in client.held[addressURL] ?? [:] {
                #expect(addresses.versions[name] == version, "seed \(seed) step \(step)")
            }
            var wanted = Set(addresses.workloads(onNode: "node-1"))
            for (number, key) in keys.enumerated() where step >= number * 7 + 3 {
                wanted.formUnion(addresses.resolve(key))
            }
            #expect(wanted.isSubset(of: Set((client.held[addressURL] ?? [:]).keys)), "seed \(seed) step \(step)")
        }
    }

    @Test("versions depend on content alone: another process would give the same")
    func stableVersions() {
        var generator = SeededGenerator(seed: 7)
        let world = Self.randomWorld(&generator)
        var (first, second) = (WorldEncoder(), WorldEncoder())
        _ = first.update(to: world)
        var reversed = world
        reversed.workloads.reverse()
        _ = second.update(to: DesiredWorld())
        _ = second.update(to: reversed)
        #expect(first.world.addresses.versions == second.world.addresses.versions)
        let hasChanged = first.update(to: world)
        #expect(!hasChanged)
    }
}
