package import ControlTranslate
import MeshModel

/// Turns each desired world into a served one. Encodes only what differs from the one before.
package struct WorldEncoder: Sendable {
    private var workloads: [String: Workload] = [:]
    private var services: [String: Service] = [:]
    private var policies: [String: AuthorizationPolicy] = [:]
    private var routes: [String: AttachedRoutes] = [:]
    private var attachedPolicies: [String: AttachedPolicy] = [:]
    private var traffic: [String: TrafficRules] = [:]
    private(set) package var world = ServedWorld()

    package init() {}

    /// Whether anything differs from the world before.
    package mutating func update(to desired: DesiredWorld) -> Bool {
        let before = world.revision
        let (newWorkloads, goneWorkloads) = Self.difference(&workloads, desired.workloads, name: \.uid)
        let (newServices, goneServices) = Self.difference(&services, desired.services, name: \.key.description)
        let (newPolicies, gonePolicies) = Self.difference(&policies, desired.policies, name: \.key)
        let (newRoutes, goneRoutes) = Self.difference(&routes, desired.routes, name: \.scope.description)
        let (newAttached, goneAttached) = Self.difference(
            &attachedPolicies, desired.attachedPolicies, name: \.name.description)
        let (newTraffic, goneTraffic) = Self.difference(&traffic, desired.traffic, name: \.scope.description)
        world.addresses.apply(
            upserts: newServices.map(ServedResource.init) + newWorkloads.map(ServedResource.init),
            removals: goneWorkloads + goneServices)
        world.policies.apply(upserts: newPolicies.map(ServedResource.init), removals: gonePolicies)
        world.routes.apply(upserts: newRoutes.map(ServedResource.init), removals: goneRoutes)
        world.attachedPolicies.apply(upserts: newAttached.map(ServedResource.init), removals: goneAttached)
        world.traffic.apply(upserts: newTraffic.map(ServedResource.init), removals: goneTraffic)
        return world.revision != before
    }

    /// New or changed values in their order, and names that are gone. `known` becomes `wanted`.
    private static func difference<Value: Hashable>(
        _ known: inout [String: Value], _ wanted: [Value], name: (Value) -> String
    ) -> (changed: [Value], gone: [String]) {
        var changed: [Value] = []
        var next: [String: Value] = [:]
        next.reserveCapacity(wanted.count)
        for value in wanted {
            let key = name(value)
            if known[key] != value { changed.append(value) }
            next[key] = value
        }
        let gone = known.keys.filter { next[$0] == nil }.sorted()
        known = next
        return (changed, gone)
    }
}
