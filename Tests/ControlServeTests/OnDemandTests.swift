import ControlServe
import ControlTranslate
import MeshModel
import MeshWire
import Testing

@Suite("Subscribing on demand")
struct OnDemandTests {
    private var encoder = WorldEncoder()
    private var session = DeltaSession(node: "node-1")

    init() throws {
        _ = encoder.update(to: Self.world)
        _ = try session.receive(request(addressURL, subscribe: ["*"], unsubscribe: ["*"]))
    }

    private static let world = desired(
        workloads: [
            workload("a", ip: "10.0.0.1", node: "node-2", services: ["s"]),
            workload("b", ip: "10.0.0.2", node: "node-2"),
            workload("mine", ip: "10.0.0.3", node: "node-1"),
        ],
        services: [service("s", vip: "10.1.0.1"), service("wide", block: "10.9.0.0/16")])

    private mutating func show(_ world: DesiredWorld) -> [DeltaResponse] {
        _ = encoder.update(to: world)
        return session.push(encoder.world)
    }

    private mutating func ask(_ names: [String], unsubscribe: [String] = []) throws -> [DeltaResponse] {
        _ = try session.receive(request(addressURL, subscribe: names, unsubscribe: unsubscribe))
        return session.push(encoder.world)
    }

    @Test("taking back the wildcard in the first request asks for nothing, yet a node gets its own workloads")
    mutating func nothingYet() {
        let responses = session.push(encoder.world)
        #expect(responses.map(\.names) == [[uid("mine")]])
        #expect(session.push(encoder.world) == [])
    }

    @Test("keys are names, workload addresses and service addresses; a service brings its workloads", arguments: [
        (uid("b"), [uid("b")]), ("/10.0.0.2", [uid("b")]), ("shop/s", [uid("a"), "shop/s"]),
        ("/10.1.0.1", [uid("a"), "shop/s"]), ("/10.9.3.4", ["shop/wide"]),
    ])
    mutating func keys(key: String, names: [String]) throws {
        _ = session.push(encoder.world)
        let responses = try ask([key])
        #expect(responses.count == 1)
        #expect(responses.first?.names == names)
        #expect(responses.first?.removedResources == [])
    }

    @Test("a key that stands for nothing is answered as removed, and sent when it appears", arguments: [
        "/10.0.0.77", "other/10.0.0.2", "shop/none", uid("none"),
    ])
    mutating func unknownKey(key: String) throws {
        _ = session.push(encoder.world)
        let responses = try ask([key])
        #expect(responses.map(\.removedResources) == [[key]])
        #expect(responses.first?.resources.isEmpty == true)
        var world = Self.world
        world.workloads.append(workload("none", ip: "10.0.0.77", node: "node-2"))
        world.services.append(service("none"))
        let later = show(world)
        switch key {
        case "/10.0.0.77", uid("none"): #expect(later.map(\.names) == [[uid("none")]])
        case "shop/none": #expect(later.map(\.names) == [["shop/none"]])
        default: #expect(later == [])
        }
    }

    @Test("what was brought along stays subscribed: changes, new endpoints and removals follow")
    mutating func followUp() throws {
        _ = session.push(encoder.world)
        _ = try ask(["/10.1.0.1"])
        var world = Self.world
        world.workloads[0] = workload("a", ip: "10.0.0.1", node: "node-3")
        world.workloads[1] = workload("b", ip: "10.0.0.2", node: "node-2", services: ["s"])
        #expect(show(world).map(\.names) == [[uid("a"), uid("b")]])
        world.workloads.removeFirst()
        #expect(show(world).map(\.removedResources) == [[uid("a")]])
    }

    @Test("what nobody asked for is not sent")
    mutating func quiet() {
        _ = session.push(encoder.world)
        var world = Self.world
        world.workloads[1] = workload("b", ip: "10.0.0.99", node: "node-2")
        #expect(show(world) == [])
    }

    @Test("asking again sends again; after unsubscribing changes are not sent")
    mutating func again() throws {
        _ = session.push(encoder.world)
        #expect(try ask([uid("b")]).map(\.names) == [[uid("b")]])
        #expect(try ask([uid("b")]).map(\.names) == [[uid("b")]])
        #expect(try ask([], unsubscribe: [uid("b")]) == [])
        var world = Self.world
        world.workloads[1] = workload("b", ip: "10.0.0.99", node: "node-2")
        #expect(show(world) == [])
    }

    @Test("on reconnection held names are compared, awaited ones answered")
    mutating func resume() throws {
        session = DeltaSession(node: "node-2")
        let version = encoder.world.addresses.versions[uid("b")] ?? ""
        _ = try session.receive(
            request(
                addressURL, subscribe: ["*"], unsubscribe: ["*"],
                held: [
                    uid("a"): encoder.world.addresses.versions[uid("a")] ?? "", uid("b"): "old", "shop/gone": "1",
                    "/10.1.0.1": "", "/10.0.0.50": "",
                ]))
        #expect(!version.isEmpty)
        let responses = session.push(encoder.world)
        #expect(responses.count == 1)
        // The service's key is answered in full, workload `a` included.
        #expect(responses.first?.names == [uid("a"), uid("b"), "shop/s"])
        #expect(responses.first?.removedResources.sorted() == ["/10.0.0.50", "shop/gone"])
    }

    @Test("a client may turn to everything and back")
    mutating func wildcardLater() throws {
        _ = session.push(encoder.world)
        _ = try ask([uid("b")])
        #expect(try ask(["*"]).flatMap(\.names).sorted() == [uid("a"), "shop/s", "shop/wide"])
        #expect(try ask([], unsubscribe: ["*"]).flatMap(\.names) == [uid("mine")])
        var world = Self.world
        world.workloads[0] = workload("a", ip: "10.0.0.98")
        world.workloads[1] = workload("b", ip: "10.0.0.99")
        #expect(show(world).map(\.names) == [[uid("b")]])
    }

    @Test("names are bounded")
    mutating func bounded() throws {
        let names = (0...ServeLimits.subscribedNamesMax / 2).map { "shop/\($0)" }
        #expect(throws: DeltaRefusal.tooManyNames(limit: ServeLimits.subscribedNamesMax)) {
            _ = try session.receive(request(addressURL, subscribe: names))
        }
    }
}
