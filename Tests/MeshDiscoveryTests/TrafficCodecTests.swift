import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SeededTesting
import SwiftProtobuf
import Testing

@Suite("Rules of traffic on the wire and in the world")
struct TrafficCodecTests {
    private static let service = ServiceKey(namespace: "ns", hostname: "h")

    private static func rules(_ requests: UInt32 = 1, proxy: String? = nil) -> TrafficRules {
        var rules = TrafficRules(service: service, proxyNamespace: proxy)
        rules.policy.connections.requestsMax = requests
        return rules
    }

    @Test("what is decoded is what was encoded, and equal rules have equal bytes", arguments: 0..<400 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var maker = TrafficMaker(generator: SeededGenerator(seed: seed))
        let rules = try maker.rules()
        let encoded = WireCodec.encode(rules)
        #expect(encoded.name == rules.scope.description)
        #expect(TrafficScope(encoded.name) == rules.scope)
        #expect(try WireCodec.decode(encoded.body) == .traffic(rules), "seed \(seed)")
        #expect(WireCodec.encode(rules) == encoded)
    }

    @Test("bytes that are changed anywhere give rules or a reason, never a crash",
        arguments: 0..<200 as Range<UInt64>)
    func hostileBytes(seed: UInt64) throws {
        var maker = TrafficMaker(generator: SeededGenerator(seed: seed))
        var body = WireCodec.encode(try maker.rules()).body
        for _ in 0..<20 where !body.value.isEmpty {
            let place = Int.random(in: 0..<body.value.count, using: &maker.generator)
            body.value[body.value.startIndex + place] = UInt8.random(in: 0...255, using: &maker.generator)
            do throws(WireRejection) { _ = try WireCodec.decode(body) } catch { #expect(!error.description.isEmpty) }
        }
    }

    struct Damage: Sendable {
        let reason: String
        let apply: @Sendable (inout Apus_Waypoint_V1_TrafficRules) -> Void
    }

    /// A global rate limit that would be taken.
    private static func asked(
        _ change: (inout Apus_Waypoint_V1_TrafficGlobalRateLimit) -> Void
    ) -> Apus_Waypoint_V1_TrafficGlobalRateLimit {
        var message = Apus_Waypoint_V1_TrafficGlobalRateLimit.with {
            $0.service = .with { ($0.namespace, $0.hostname, $0.port) = ("ns", "limiter", 8081) }
            ($0.domain, $0.timeout, $0.statusOnError) = ("d", 20_000_000, 500)
            $0.descriptors = [.with { $0.entries = [.with { ($0.key, $0.word) = ("k", "identity") }] }]
        }
        change(&message)
        return message
    }

    @Test("one thing that is not understood refuses all rules of the service", arguments: [
        Damage(reason: "NAMESPACE/HOSTNAME") { $0.hostname = "a/b" },
        Damage(reason: "NAMESPACE/HOSTNAME") { $0.proxyNamespace = "a/b" },
        Damage(reason: "policy") { $0.clearPolicy() },
        Damage(reason: "ports.port") { $0.ports = [.with { $0.port = 0 }] },
        Damage(reason: "at most") { $0.ports = Array(repeating: .with { $0.port = 1 }, count: 129) },
        Damage(reason: "sometimes") { $0.policy.balancing = "sometimes" },
        Damage(reason: "tls.roots") { $0.policy.tls = .init() },
        Damage(reason: "tls.private_key_path") { message in
            message.policy.tls = .with { ($0.systemRoots, $0.certificatePath) = (true, "/a") }
        },
        Damage(reason: "tls.caCertificates") { $0.policy.tls.rootsPath = "a" },
        Damage(reason: "hash.key") { $0.policy.hash.maglevSize = 7 },
        Damage(reason: "prime") { $0.policy.hash = .with { ($0.sourceAddress, $0.maglevSize) = (true, 1000) } },
        Damage(reason: "prime") { $0.policy.hash = .with { ($0.sourceAddress, $0.maglevSize) = (true, 5_000_077) } },
        Damage(reason: "minimumRingSize") { message in
            message.policy.hash = .with { ($0.sourceAddress, $0.ringSizeMin) = (true, 2_000_000) }
        },
        Damage(reason: "100 together") { message in
            message.policy.locality.distribution.shares = [.with { $0.to = ["a": 99] }]
        },
        Damage(reason: "aggression") { $0.policy.warmUp = .with { ($0.duration, $0.aggression) = (1_000_000, .nan) } },
        Damage(reason: "interval") { $0.policy.outliers.baseEjectionTime = 1_000_000 },
        Damage(reason: "connectTimeout") { $0.policy.connections.connectTimeout = -1 },
        Damage(reason: "percent") { $0.policy.retryBudget.percent = 101 },
        Damage(reason: "key") { $0.limits.rateLimits = [.with { $0.tokensMax = 1 }] },
        Damage(reason: "token") { message in
            message.limits.rateLimits = [.with { ($0.all, $0.fillInterval) = (true, 1_000_000_000) }]
        },
        Damage(reason: "fillInterval") { message in
            message.limits.rateLimits = [.with { ($0.all, $0.tokensMax, $0.tokensPerFill) = (true, 1, 1) }]
        },
        Damage(reason: "hedging.after") { message in
            message.limits.hedging = .with { ($0.attemptsMax, $0.methods) = (2, ["GET"]) }
        },
        Damage(reason: "hedging.maxAttempts") { message in
            message.limits.hedging = .with { ($0.delay, $0.attemptsMax, $0.methods) = (50_000_000, 6, ["GET"]) }
        },
        Damage(reason: "CONNECT") { message in
            message.limits.hedging = .with { ($0.delay, $0.attemptsMax, $0.methods) = (50_000_000, 2, ["CONNECT"]) }
        },
        Damage(reason: "hedging.methods") { message in
            message.limits.hedging = .with { ($0.delay, $0.attemptsMax, $0.methods) = (50_000_000, 2, ["get"]) }
        },
        Damage(reason: "globalRateLimit.timeout") { $0.limits.globalRateLimit.statusOnError = 500 },
        Damage(reason: "statusOnError") { $0.limits.globalRateLimit = .with { $0.timeout = 20_000_000 } },
        Damage(reason: "domain") { $0.limits.globalRateLimit = asked { $0.domain = "" } },
        Damage(reason: "NAMESPACE/HOSTNAME") { $0.limits.globalRateLimit = asked { $0.service.hostname = "" } },
        Damage(reason: "global_rate_limit.port") { $0.limits.globalRateLimit = asked { $0.service.port = 0 } },
        Damage(reason: "descriptors") { $0.limits.globalRateLimit = asked { $0.descriptors = [] } },
        Damage(reason: "weather") { message in
            message.limits.globalRateLimit = asked { $0.descriptors[0].entries[0].word = "weather" }
        },
        Damage(reason: "always there") { message in
            message.limits.globalRateLimit = asked { $0.descriptors[0].entries[0].mayBeAbsent = true }
        },
        Damage(reason: "1 to 256 bytes") { message in
            message.limits.globalRateLimit = asked { $0.descriptors[0].entries[0].key = "" }
        },
        Damage(reason: "128 bits") { message in
            message.limits.globalRateLimit = asked { $0.descriptors[0].entries[0].network.v6Bits = 129 }
        },
        Damage(reason: "parts_per_million") { $0.limits.delay.partsPerMillion = 1_000_001 },
        Damage(reason: "httpStatus") { $0.limits.abort.httpStatus = 100 },
        Damage(reason: "grpcStatus") { $0.limits.abort.grpcStatus = 17 },
        Damage(reason: "adaptiveConcurrency") { $0.limits.concurrency.limitMax = 10 },
        Damage(reason: "nobody") { $0.limits.quarantineCallers = ["nobody"] },
        Damage(reason: "TrafficPolicy") { try? $0.policy.merge(serializedBytes: [0xf8, 0x06, 0x01]) },
        Damage(reason: "TrafficGuard") { try? $0.limits.merge(serializedBytes: [0xf8, 0x06, 0x01]) },
    ])
    func damage(_ damage: Damage) {
        var message = WireCodec.message(Self.rules())
        damage.apply(&message)
        do throws(WireRejection) {
            _ = try WireCodec.traffic(message)
            Issue.record("rules with a damaged \(damage.reason) were taken")
        } catch {
            #expect(error.description.contains(damage.reason), "\(error)")
        }
    }

    @Test("names of scopes are read exactly", arguments: ["", "a", "a/", "/b", "a/b/", "a/b/c/d"])
    func scopes(_ text: String) {
        #expect(TrafficScope(text) == nil)
    }

    @Test("a proxy's own rules stand before those for all, until they are removed")
    func lookup() {
        var world = World()
        let (all, own) = (Self.rules(1), Self.rules(2, proxy: "p"))
        world.apply(contentsOf: [.upsertTraffic(all), .upsertTraffic(own)])
        #expect(world.traffic(to: Self.service, proxyNamespace: "p") == .rules(own))
        #expect(world.traffic(to: Self.service, proxyNamespace: "q") == .rules(all))
        #expect(world.traffic(to: ServiceKey(namespace: "ns", hostname: "x"), proxyNamespace: "p") == nil)
        let revision = world.trafficRevision
        world.apply(.upsertTraffic(own))
        #expect(world.trafficRevision == revision)
        world.apply(.removeTraffic(name: own.scope.description))
        #expect(world.traffic(to: Self.service, proxyNamespace: "p") == .rules(all))
        #expect(world.trafficRevision == revision + 1)
        world.apply(.removeTraffic(name: all.scope.description))
        #expect(world.hasSameContent(as: World()))
    }

    @Test("rules that are refused leave the old ones in force; without old ones, requests must fail")
    func refusal() throws {
        var session = DiscoverySession(wantsRoutes: true)
        _ = session.connect()
        var bad = response(.traffic, nonce: "1", [WireCodec.encode(Self.rules())])
        bad.resources[0].resource.value = Data([0xff])
        let step = session.receive(bad)
        #expect(step.request?.errorMessage?.hasPrefix("ns/h: ") == true)
        #expect(session.world.traffic(to: Self.service, proxyNamespace: "x") == .refused)
        session.disconnect()
        #expect(session.connect().last?.initialVersions == ["ns/h": ""])
        _ = session.receive(response(.traffic, nonce: "2", [WireCodec.encode(Self.rules())]))
        bad.nonce = "3"
        _ = session.receive(bad)
        #expect(session.world.traffic(to: Self.service, proxyNamespace: "x") == .rules(Self.rules()))
        var foreign = response(.traffic, nonce: "4", [WireCodec.encode(Self.rules())])
        foreign.resources[0].name = "ns/other"
        #expect(session.receive(foreign).rejections.map(\.name) == ["ns/other"])
        _ = session.receive(response(.traffic, nonce: "5", removed: ["ns/h"]))
        #expect(session.world.traffic(to: Self.service, proxyNamespace: "x") == nil)
    }

    @Test("a node proxy does not ask for rules, and takes none")
    func nodes() {
        var node = DiscoverySession()
        _ = node.connect()
        let step = node.receive(response(.traffic, nonce: "1", [WireCodec.encode(Self.rules())]))
        #expect(!step.worldChanged && node.world.trafficRules.isEmpty)
    }
}
