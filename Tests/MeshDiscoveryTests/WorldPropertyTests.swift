import MeshDiscovery
import MeshModel
import SeededTesting
import Testing

/// A model of the world too simple to be wrong: the last value per name.
private struct LastValues {
    var workloads: [String: Workload] = [:]
    var services: [ServiceKey: Service] = [:]
    var policies: [String: AuthorizationPolicy] = [:]
    var routes: [String: AttachedRoutes] = [:]
    var attachedPolicies: [String: AttachedPolicy] = [:]
    var traffic: [String: TrafficRules] = [:]

    mutating func apply(_ change: WorldChange) {
        switch change {
        case .upsertWorkload(let workload): workloads[workload.uid] = workload
        case .upsertService(let service): services[service.key] = service
        case .removeAddress(let name):
            if workloads.removeValue(forKey: name) == nil, let key = ServiceKey(name) { services[key] = nil }
        case .upsertPolicy(let policy): policies[policy.key] = policy
        case .removePolicy(let key): policies[key] = nil
        case .refusePolicy, .refuseRoutes, .refuseAttachedPolicy, .receiveAttachedPolicies, .refuseTraffic: break
        case .upsertAttachedPolicy(let attached): attachedPolicies[attached.name.description] = attached
        case .removeAttachedPolicy(let name): attachedPolicies[name] = nil
        case .upsertRoutes(let attached): routes[attached.scope.description] = attached
        case .removeRoutes(let name): routes[name] = nil
        case .upsertTraffic(let rules): traffic[rules.scope.description] = rules
        case .removeTraffic(let name): traffic[name] = nil
        }
    }

    var changes: [WorldChange] {
        workloads.values.map(WorldChange.upsertWorkload) + services.values.map(WorldChange.upsertService)
            + policies.values.map(WorldChange.upsertPolicy) + routes.values.map(WorldChange.upsertRoutes)
            + attachedPolicies.values.map(WorldChange.upsertAttachedPolicy)
            + traffic.values.map(WorldChange.upsertTraffic)
    }
}

@Suite("Properties of the world")
struct WorldPropertyTests {
    @Test("whatever the history, the world is what its last values make", arguments: UInt64(1)...24)
    func historyDoesNotMatter(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var model = LastValues()
        var world = World()
        for _ in 0..<60 {
            let batch = try (0..<Int.random(in: 1...6, using: &generator)).map { _ in try change(&generator) }
            for change in batch { model.apply(change) }
            world.apply(contentsOf: batch)
        }
        var fresh = World()
        fresh.apply(contentsOf: model.changes.shuffled(using: &generator))
        #expect(world.hasSameContent(as: fresh), "seed \(seed)")
        #expect(Set(world.workloads) == Set(model.workloads.values))
        #expect(Set(world.attachedRoutes) == Set(model.routes.values))
        #expect(Set(world.attachedPolicies) == Set(model.attachedPolicies.values))
        #expect(Set(world.trafficRules) == Set(model.traffic.values))
        #expect(Set(world.services) == Set(model.services.values))
        for (key, service) in model.services {
            let expected = model.workloads.values.filter {
                $0.services[key] != nil
                    && ($0.status == .healthy || service.loadBalancing.healthPolicy == .allowAll)
            }
            #expect(Set(world.endpoints(of: key).map(\.workload)) == Set(expected), "seed \(seed)")
        }
    }

    private func change(_ generator: inout SeededGenerator) throws -> WorldChange {
        let number = Int.random(in: 0..<5, using: &generator)
        let scope = [AuthorizationPolicy.Scope.global, .namespace, .workloadSelector].randomElement(using: &generator)
        let scoped = RouteScope(
            RouteTarget(service: ServiceKey(namespace: "ns", hostname: "h"), port: 80), clientNamespace: "c\(number)")
        let traffic = TrafficScope(scoped.target.service, proxyNamespace: "p\(number)")
        switch Int.random(in: 0..<14, using: &generator) {
        case 0...2: return .upsertWorkload(try workload(number, &generator))
        case 3, 4: return .upsertService(try service(number, &generator))
        case 5: return .removeAddress(name: Bool.random(using: &generator) ? "c//Pod/ns/\(number)" : "ns/\(number)")
        case 6:
            return .upsertPolicy(
                AuthorizationPolicy(
                    name: "\(number)", namespace: "ns", scope: try #require(scope), action: .deny, rules: []))
        case 7:
            let rule = TCPRouteRule(
                origin: RouteOrigin(
                    kind: .tcp, namespace: "ns", name: "\(Int.random(in: 0...1, using: &generator))"), backends: [])
            return .upsertRoutes(
                AttachedRoutes(
                    RouteTable(target: scoped.target, tcp: [rule]), clientNamespace: scoped.clientNamespace))
        case 8: return .removeRoutes(name: scoped.description)
        case 9:
            let policy = RequestPolicy(name: "\(number)", namespace: "ns", action: .deny, rules: [])
            let bindings: [PolicyBinding] = [
                .waypoints(namespace: "ns"), .service(ServiceKey(namespace: "ns", hostname: "h")),
                .waypoint(WaypointKey(namespace: "ns", name: "w")),
            ]
            return .upsertAttachedPolicy(
                AttachedPolicy(policy, bindings: bindings.filter { _ in Bool.random(using: &generator) }))
        case 10: return .removeAttachedPolicy(name: "request/ns/\(number)")
        case 11:
            var rules = TrafficRules(service: traffic.service, proxyNamespace: traffic.proxyNamespace)
            rules.policy.balancing = Bool.random(using: &generator) ? .random : .roundRobin
            return .upsertTraffic(rules)
        case 12: return .removeTraffic(name: traffic.description)
        default: return .removePolicy(key: "ns/\(number)")
        }
    }

    private func workload(_ number: Int, _ generator: inout SeededGenerator) throws -> Workload {
        try pod("\(number)", at: ["10.0.0.\(Int.random(in: 1...3, using: &generator))"]) {
            $0.status = Bool.random(using: &generator) ? .healthy : .unhealthy
            $0.tunnel = Bool.random(using: &generator) ? .hbone : .none
            $0.node = Bool.random(using: &generator) ? "a" : ""
            $0.hostname = Bool.random(using: &generator) ? "host" : ""
            $0.networkMode = Int.random(in: 0..<4, using: &generator) == 0 ? .hostNetwork : .standard
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let hostname = "\(Int.random(in: 0..<5, using: &generator))"
                $0.services[ServiceKey(namespace: "ns", hostname: hostname)] = []
            }
        }
    }

    private func service(_ number: Int, _ generator: inout SeededGenerator) throws -> Service {
        let length = Int.random(in: 30...32, using: &generator)
        return try MeshDiscoveryTests.service("\(number)", at: ["10.96.0.0/\(length)", "10.96.0.1"]) {
            $0.loadBalancing.healthPolicy = Bool.random(using: &generator) ? .allowAll : .onlyHealthy
            $0.isCanonical = Bool.random(using: &generator)
        }
    }
}
