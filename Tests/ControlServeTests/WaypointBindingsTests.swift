import ControlServe
import ControlTranslate
import MeshModel
import Testing

@Suite("The order in which changes of waypoints are told")
struct WaypointBindingsTests {
    private static func reference(_ name: String) -> GatewayReference {
        GatewayReference(.hostname(ServiceKey(namespace: "shop", hostname: "\(name).shop.svc.cluster.local")))
    }

    private func world(_ waypoint: String?) -> DesiredWorld {
        var service = Service(name: "api", namespace: "shop", hostname: "api.shop.svc.cluster.local")
        service.waypoint = waypoint.map(Self.reference)
        var world = DesiredWorld()
        world.services = [service]
        return world
    }

    private func seen(_ world: DesiredWorld) -> [GatewayReference] {
        world.services.flatMap { [$0.waypoint].compactMap(\.self) + $0.weightedWaypoints.map(\.gateway) }
    }

    @Test("a new waypoint hears of it before nodes do, an old one serves until nodes have heard")
    func order() {
        let (one, two) = (Self.reference("one"), Self.reference("two"))
        let steps: [(from: String?, to: String?, before: [GatewayReference], after: [GatewayReference])] = [
            (nil, "one", [one], [one]), ("one", nil, [one], [one]), ("one", "two", [two, one], [two, one]),
        ]
        for step in steps {
            var bindings = WaypointBindings()
            bindings.learn(world(step.from))
            #expect(!bindings.isPending)
            let wanted = world(step.to)
            bindings.learn(wanted)
            #expect(bindings.isPending)
            #expect(seen(bindings.forNodes(wanted)) == seen(world(step.from)))
            #expect(seen(bindings.forWaypoints(wanted)) == step.before)
            bindings.release()
            #expect(!bindings.isPending)
            #expect(seen(bindings.forNodes(wanted)) == seen(wanted))
            #expect(seen(bindings.forWaypoints(wanted)) == step.after)
            bindings.forget()
            #expect(seen(bindings.forWaypoints(wanted)) == seen(wanted))
        }
    }

    @Test("a service that has a waypoint from the start is never told without it")
    func fromTheStart() {
        var bindings = WaypointBindings()
        bindings.learn(DesiredWorld())
        bindings.learn(world("one"))
        #expect(!bindings.isPending)
        #expect(seen(bindings.forNodes(world("one"))) == [Self.reference("one")])
    }

    @Test("who waits for acknowledgements goes on when the last stream has come so far, or has ended")
    func acknowledgements() async {
        let book = Acknowledgements()
        #expect(await book.wait(for: .nodes, 5, within: .zero))
        let (slow, fast, other) = (book.open(.nodes), book.open(.nodes), book.open(.waypoints))
        book.reached(fast, 5)
        #expect(await book.wait(for: .nodes, 5, within: .milliseconds(10)) == false)
        async let waiting = book.wait(for: .nodes, 5, within: .seconds(60))
        book.reached(slow, 4)
        book.close(slow)
        #expect(await waiting)
        book.reached(other, 1)
        #expect(await book.wait(for: .waypoints, 2, within: .milliseconds(10)) == false)
    }
}
