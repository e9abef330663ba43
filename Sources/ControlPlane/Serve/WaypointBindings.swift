package import ControlTranslate
import MeshModel

/// Which waypoint each service and workload has, as nodes were told. A change goes to waypoints first, so that a new
/// one knows that it is meant before a caller comes, and an old one goes on serving callers that have not heard yet.
/// Pure.
package struct WaypointBindings: Sendable {
    /// What nodes were told, by the record's name; `nil` inside: none.
    private var told: [String: GatewayReference?]?
    /// What some nodes may still go by: before the last release.
    private var leaving: [String: GatewayReference] = [:]
    /// What the next release changes.
    private var pending: [String: GatewayReference?] = [:]

    package init() {}

    /// Whether nodes hold something else than the last desired world says.
    package var isPending: Bool { !pending.isEmpty }

    /// Whether waypoints serve more than the last desired world says.
    package var isLeaving: Bool { !leaving.isEmpty }

    /// Compares a new world with what nodes were told. Records that are new to them are told as they are: a service
    /// that has a waypoint from the start is never reached without it.
    package mutating func learn(_ desired: DesiredWorld) {
        let wanted = Self.bindings(desired)
        guard var known = told else {
            told = wanted
            return
        }
        pending = [:]
        for (name, reference) in wanted {
            if let held = known[name] {
                if held != reference { pending[name] = reference }
            } else {
                known[name] = reference
            }
        }
        told = known.filter { wanted[$0.key] != nil }
        leaving = leaving.filter { wanted[$0.key] != nil }
    }

    /// From now on nodes are told what is wanted.
    package mutating func release() {
        for (name, reference) in pending {
            if let held = told?[name] ?? nil, held != reference { leaving[name] = held }
            told?[name] = .some(reference)
        }
        pending = [:]
    }

    /// No node goes by anything older any more.
    package mutating func forget() { leaving = [:] }

    /// The world as nodes should see it.
    package func forNodes(_ desired: DesiredWorld) -> DesiredWorld {
        guard isPending, let told else { return desired }
        var world = desired
        for index in world.services.indices {
            let name = Self.name(world.services[index])
            if pending[name] != nil { world.services[index].waypoint = told[name] ?? nil }
        }
        for index in world.workloads.indices {
            let uid = world.workloads[index].uid
            if pending[uid] != nil { world.workloads[index].waypoint = told[uid] ?? nil }
        }
        return world
    }

    /// The world as waypoints should see it: whoever has, had or will have a waypoint has it, and the control plane can
    /// be reached through each.
    package func forWaypoints(_ desired: DesiredWorld) -> DesiredWorld {
        var world = desired
        world.services += desired.probeServices
        world.workloads += desired.probeWorkloads
        guard isPending || isLeaving else { return world }
        for index in world.services.indices {
            let name = Self.name(world.services[index])
            guard let older = older(name), older != world.services[index].waypoint else { continue }
            if world.services[index].waypoint == nil {
                world.services[index].waypoint = older
            } else {
                world.services[index].weightedWaypoints.append(WeightedWaypoint(older, weight: 0))
            }
        }
        for index in world.workloads.indices where world.workloads[index].waypoint == nil {
            world.workloads[index].waypoint = older(world.workloads[index].uid)
        }
        return world
    }

    /// What nodes go by, or may go by, instead of what is wanted.
    private func older(_ name: String) -> GatewayReference? {
        if pending[name] != nil, let told, let held = told[name] ?? nil { return held }
        return leaving[name]
    }

    private static func bindings(_ world: DesiredWorld) -> [String: GatewayReference?] {
        var bindings: [String: GatewayReference?] = [:]
        bindings.reserveCapacity(world.services.count + world.workloads.count)
        for service in world.services { bindings[name(service)] = .some(service.waypoint) }
        for workload in world.workloads { bindings[workload.uid] = .some(workload.waypoint) }
        return bindings
    }

    private static func name(_ service: Service) -> String { service.key.description }
}
