import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SeededTesting
import SwiftProtobuf
import Testing

@Suite("Policies of waypoints on the wire")
struct AttachedPolicyTests {
    @Test("what is decoded is what was encoded, and equal policies have equal bytes",
        arguments: 0..<400 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var maker = AttachedPolicyMaker(generator: SeededGenerator(seed: seed))
        let policy = maker.attached()
        let encoded = WireCodec.encode(policy)
        #expect(encoded.name == policy.name.description)
        #expect(try WireCodec.decode(encoded.body) == .attachedPolicy(policy), "seed \(seed)")
        #expect(WireCodec.encode(policy) == encoded)
    }

    @Test("bytes that are changed anywhere give a policy or a reason, never a crash",
        arguments: 0..<200 as Range<UInt64>)
    func hostileBytes(seed: UInt64) throws {
        var maker = AttachedPolicyMaker(generator: SeededGenerator(seed: seed))
        var body = WireCodec.encode(maker.attached()).body
        for _ in 0..<20 where !body.value.isEmpty {
            let place = Int.random(in: 0..<body.value.count, using: &maker.generator)
            body.value[body.value.startIndex + place] = UInt8.random(in: 0...255, using: &maker.generator)
            do throws(WireRejection) { _ = try WireCodec.decode(body) } catch { #expect(!error.description.isEmpty) }
        }
    }

    struct Damage: Sendable {
        let reason: String
        let apply: @Sendable (inout Apus_Waypoint_V1_AttachedPolicy) -> Void
    }

    private static func request() -> RequestPolicy {
        let term = RequestPolicy.Term(.header(name: "h", [.exact("v")]))
        return RequestPolicy(
            name: "p", namespace: "ns", action: .allow,
            rules: [.init(clauses: [.init(matches: [.init(terms: [term])])])])
    }

    private static func token() -> TokenPolicy {
        var rule = TokenRule(issuer: "i", keys: .none("why"))
        rule.claimHeaders = [ClaimHeader(header: "x-c", path: ["c"])]
        return TokenPolicy(name: "p", namespace: "ns", rules: [rule])
    }

    @Test("one thing that is not understood refuses the whole policy", arguments: [
        Damage(reason: "policy") { $0.policy = nil },
        Damage(reason: "subject") { $0.bindings[0].subject = nil },
        Damage(reason: "a/b") { $0.bindings[0].service.hostname = "a/b" },
        Damage(reason: "waypoint") { $0.bindings[0].waypoint = .init() },
        Damage(reason: "waypoint_namespace") { $0.bindings[0].waypointNamespace = "" },
        Damage(reason: "name") { $0.request.name.namespace = "a/b" },
        Damage(reason: "name") { $0.request.name.name = "" },
        Damage(reason: "action") { $0.request.action = .unspecified },
        Damage(reason: "action") { $0.request.action = .UNRECOGNIZED(9) },
        Damage(reason: "provider") { $0.request.provider = "x" },
        Damage(reason: "test") { $0.term.test = nil },
        Damage(reason: "exact, prefix") { $0.term.header.values[0].match = nil },
        Damage(reason: "exact, prefix") { $0.term.header.values[0].presence = false },
        Damage(reason: "Header") { $0.term.header.name = "Header" },
        Damage(reason: "header") { $0.term.header.name = "" },
        Damage(reason: "65536") { $0.term.destinationPorts.values = [65_536] },
        Damage(reason: "source_ips") { $0.term.sourceIps.values = [.init()] },
        Damage(reason: "33") { $0.term.sourceIps.values = [.with { ($0.address, $0.length) = (Data(count: 4), 33) }] },
        Damage(reason: "namespaces") { $0.term.namespaces.values = [""] },
        Damage(reason: "a/{*}") { $0.term.paths.values = [.with { $0.template = "a/{*}" }] },
        Damage(reason: "paths") { $0.term.paths.values = [.init()] },
        Damage(reason: "i") { $0.term.requestPrincipals.values = ["i"] },
        Damage(reason: "claim") { $0.term.claim = .init() },
        Damage(reason: "claim") { $0.term.claim.path = Array(repeating: "a", count: 65) },
        Damage(reason: "keys") { $0.token = tokenMessage { $0.keys = nil } },
        Damage(reason: "remote_keys") { $0.token = tokenMessage { $0.remoteKeys = .with { $0.uri = "http://a" } } },
        Damage(reason: "locations") { $0.token = tokenMessage { $0.locations = [] } },
        Damage(reason: "locations") { $0.token = tokenMessage { $0.locations[0].place = nil } },
        Damage(reason: "locations") { $0.token = tokenMessage { $0.locations[0].cookie = "" } },
        Damage(reason: "header") { $0.token = tokenMessage { $0.locations[0].header.name = "A B" } },
        Damage(reason: "X-Up") { $0.token = tokenMessage { $0.payloadHeader = "X-Up" } },
        Damage(reason: "claim") { $0.token = tokenMessage { $0.claimHeaders[0].path = [] } },
        Damage(reason: "PolicyRule") { try? $0.request.rules[0].merge(serializedBytes: [0xf8, 0x06, 0x01]) },
        Damage(reason: "PolicyTerm") { try? $0.term.merge(serializedBytes: [0xf8, 0x06, 0x01]) },
        Damage(reason: "TokenRule") { message in
            message.token = tokenMessage { try? $0.merge(serializedBytes: [0xf8, 0x06, 0x01]) }
        },
    ])
    func damage(_ damage: Damage) throws {
        let binding = PolicyBinding.service(ServiceKey(namespace: "ns", hostname: "h"))
        var message = WireCodec.message(AttachedPolicy(Self.request(), bindings: [binding]))
        damage.apply(&message)
        do throws(WireRejection) {
            _ = try WireCodec.attachedPolicy(message)
            Issue.record("a policy with a damaged \(damage.reason) was taken")
        } catch {
            #expect(error.description.contains(damage.reason), "\(error)")
        }
    }

    private static func tokenMessage(
        _ change: (inout Apus_Waypoint_V1_TokenRule) -> Void
    ) -> Apus_Waypoint_V1_TokenPolicy {
        var message = WireCodec.message(AttachedPolicy(token(), bindings: [])).token
        change(&message.rules[0])
        return message
    }

    @Test("a policy longer than any is refused before it is read")
    func length() {
        var body = WireCodec.encode(AttachedPolicy(Self.request(), bindings: [])).body
        body.value = Data(count: WireCodec.policyBytesMax + 1)
        #expect(throws: WireRejection.policyLength(byteCount: body.value.count, limit: WireCodec.policyBytesMax)) {
            try WireCodec.decode(body)
        }
    }
}

extension Apus_Waypoint_V1_AttachedPolicy {
    /// The only term.
    fileprivate var term: Apus_Waypoint_V1_PolicyTerm {
        get { request.rules[0].clauses[0].matches[0].terms[0] }
        set { request.rules[0].clauses[0].matches[0].terms[0] = newValue }
    }
}
