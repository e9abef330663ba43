import FoundationEssentials
import MeshDiscovery
import MeshModel
import MeshWire
import SeededTesting
import SwiftProtobuf
import Testing

@Suite("Tables of routes on the wire and in the world")
struct RouteCodecTests {
    private static let target = RouteTarget(service: ServiceKey(namespace: "ns", hostname: "h"), port: 80)

    private static func routes(_ name: String = "r", client: String? = nil) throws -> AttachedRoutes {
        let rule = try HTTPRouteRule(
            origin: RouteOrigin(kind: .http, namespace: "ns", name: name),
            behaviour: RouteBehaviour(.forward(to: [RouteBackend(.service(target))])))
        return AttachedRoutes(RouteTable(target: target, http: [rule]), clientNamespace: client)
    }

    @Test("what is decoded is what was encoded, and equal tables have equal bytes", arguments: 0..<400 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var maker = RouteMaker(generator: SeededGenerator(seed: seed))
        let routes = try maker.routes()
        let encoded = WireCodec.encode(routes)
        #expect(encoded.name == routes.scope.description)
        #expect(RouteScope(encoded.name) == routes.scope)
        #expect(try WireCodec.decode(encoded.body) == .routes(routes), "seed \(seed)")
        #expect(WireCodec.encode(routes) == encoded)
    }

    @Test("bytes that are changed anywhere give a table or a reason, never a crash",
        arguments: 0..<200 as Range<UInt64>)
    func hostileBytes(seed: UInt64) throws {
        var maker = RouteMaker(generator: SeededGenerator(seed: seed))
        var body = WireCodec.encode(try maker.routes()).body
        for _ in 0..<20 where !body.value.isEmpty {
            let place = Int.random(in: 0..<body.value.count, using: &maker.generator)
            body.value[body.value.startIndex + place] = UInt8.random(in: 0...255, using: &maker.generator)
            do throws(WireRejection) { _ = try WireCodec.decode(body) } catch { #expect(!error.description.isEmpty) }
        }
    }

    struct Damage: Sendable {
        let reason: String
        let apply: @Sendable (inout Apus_Waypoint_V1_RouteTable) -> Void
    }

    @Test("one thing that is not understood refuses the whole table", arguments: [
        Damage(reason: "target") { $0.clearTarget() },
        Damage(reason: "65536") { $0.target.port = 65_536 },
        Damage(reason: "port") { $0.target.port = 0 },
        Damage(reason: "a/b") { $0.target.hostname = "a/b" },
        Damage(reason: "matches") { $0.http[0].matches = [] },
        Damage(reason: "path") { $0.http[0].matches[0].path = nil },
        Damage(reason: "path") { $0.http[0].matches[0].exact = "no" },
        Damage(reason: "BREW") { $0.http[0].matches[0].method = "BREW" },
        Damage(reason: "action") { $0.http[0].behaviour.action = nil },
        Damage(reason: "destination") { $0.http[0].behaviour.forward.backends[0].destination = nil },
        Damage(reason: "Odd") { $0.http[0].behaviour.forward.backends[0].invalid = "Odd" },
        Damage(reason: "weight") { $0.http[0].behaviour.forward.backends[0].weight = 1_000_001 },
        Damage(reason: "header") { $0.http[0].behaviour.requestHeaders.remove = ["a b"] },
        Damage(reason: "timeouts") { $0.http[0].behaviour.requestTimeout = -1 },
        Damage(reason: "retry") { $0.http[0].behaviour.retry.statuses = [200] },
        Damage(reason: "kind") { $0.http[0].origin.kind = "UDPRoute" },
        Damage(reason: "tls") { $0.tls = [.with { $0.origin.kind = "TLSRoute" }] },
        Damage(reason: "HTTPRule") { table in
            try? table.http[0].merge(serializedBytes: [0xf8, 0x06, 0x01])
        },
    ])
    func damage(_ damage: Damage) throws {
        var message = WireCodec.message(try Self.routes())
        damage.apply(&message)
        do throws(WireRejection) {
            _ = try WireCodec.routes(message)
            Issue.record("a table with a damaged \(damage.reason) was taken")
        } catch {
            #expect(error.description.contains(damage.reason), "\(error)")
        }
    }

    @Test(
        "names of scopes are read exactly",
        arguments: ["", "a/b", "a/b/0", "a/b/080", "a/b/80/", "/b/80", "a/b/80/c/d"])
    func scopes(_ text: String) {
        #expect(RouteScope(text) == nil)
    }

    @Test("a waypoint asks for routes too, and is ready with them; a node does not")
    func subscription() throws {
        var session = DiscoverySession(wantsRoutes: true)
        #expect(
            session.connect().map(\.typeURL)
                == [.attachedPolicies, .address, .authorization, .routes, .traffic].map(urlOf))
        _ = session.receive(response(.attachedPolicies, nonce: "0"))
        _ = session.receive(response(.address, nonce: "1"))
        _ = session.receive(response(.authorization, nonce: "2"))
        #expect(!session.isReady)
        let encoded = WireCodec.encode(try Self.routes())
        _ = session.receive(response(.traffic, nonce: "4"))
        let step = session.receive(response(.routes, nonce: "3", [encoded]))
        #expect(session.isReady && step.worldChanged)
        #expect(step.request == DeltaRequest(typeURL: urlOf(.routes), nonce: "3"))
        session.disconnect()
        let again = session.connect().first { $0.typeURL == urlOf(.routes) }
        #expect(again?.initialVersions == [encoded.name: encoded.version])

        var node = DiscoverySession()
        #expect(node.connect().count == 2)
        #expect(!node.receive(response(.routes, nonce: "1", [encoded])).worldChanged)
        #expect(node.world.attachedRoutes.isEmpty)
    }

    @Test("a client's own table stands before the one for everybody, until it is removed")
    func lookup() throws {
        var world = World()
        let (everybody, own) = (try Self.routes("all"), try Self.routes("own", client: "c"))
        world.apply(contentsOf: [.upsertRoutes(everybody), .upsertRoutes(own)])
        #expect(world.routes(to: Self.target, clientNamespace: "c") == .table(own.table))
        #expect(world.routes(to: Self.target, clientNamespace: "ns") == .table(everybody.table))
        #expect(world.routes(to: RouteTarget(service: Self.target.service, port: 81), clientNamespace: "c") == nil)
        let revision = world.routeRevision
        world.apply(.upsertRoutes(own))
        #expect(world.routeRevision == revision)
        world.apply(.removeRoutes(name: own.scope.description))
        #expect(world.routes(to: Self.target, clientNamespace: "c") == .table(everybody.table))
        #expect(world.routeRevision == revision + 1)
        world.apply(.removeRoutes(name: everybody.scope.description))
        #expect(world.hasSameContent(as: World()))
    }

    @Test("a table that is refused leaves the old one in force; without an old one, requests must fail")
    func refusal() throws {
        var session = DiscoverySession(wantsRoutes: true)
        _ = session.connect()
        var bad = response(.routes, nonce: "1", [WireCodec.encode(try Self.routes())])
        bad.resources[0].resource.value = Data([0xff])
        let step = session.receive(bad)
        #expect(step.request?.errorMessage?.hasPrefix("ns/h/80: ") == true)
        #expect(session.world.routes(to: Self.target, clientNamespace: "x") == .refused)
        session.disconnect()
        #expect(session.connect().first { $0.typeURL == urlOf(.routes) }?.initialVersions == ["ns/h/80": ""])
        let good = try Self.routes()
        _ = session.receive(response(.routes, nonce: "2", [WireCodec.encode(good)]))
        #expect(session.world.routes(to: Self.target, clientNamespace: "x") == .table(good.table))
        bad.nonce = "3"
        _ = session.receive(bad)
        #expect(session.world.routes(to: Self.target, clientNamespace: "x") == .table(good.table))
        _ = session.receive(response(.routes, nonce: "4", removed: ["ns/h/80"]))
        #expect(session.world.routes(to: Self.target, clientNamespace: "x") == nil)
    }

    @Test("a table under the name of another is refused")
    func foreignName() throws {
        var session = DiscoverySession(wantsRoutes: true)
        _ = session.connect()
        var message = response(.routes, nonce: "1", [WireCodec.encode(try Self.routes())])
        message.resources[0].name = "ns/h/81"
        #expect(session.receive(message).rejections.map(\.name) == ["ns/h/81"])
        #expect(session.world.routes(to: Self.target, clientNamespace: "x") == nil)
    }
}
