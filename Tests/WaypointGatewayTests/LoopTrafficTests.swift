import MeshDiscovery
import MeshModel
import MeshProxy
import Testing
import WaypointResilience

@testable import WaypointGateway

@Suite("What a loop keeps of the traffic to services")
struct LoopTrafficTests {
    private struct Rig {
        let service: Service
        var world: World
        var traffic: LoopTraffic
        var generator = LoopGenerator()
        var target: RouteTarget { RouteTarget(service: service.key, port: 80) }

        init(_ names: [String], _ change: (inout TrafficRules) -> Void = { _ in }) throws {
            let ports = [ServicePort(servicePort: 80, targetPort: 8080)]
            service = try Make.service("api", at: "10.1.0.1", ports: ports)
            let key = service.key
            let workloads = try names.enumerated().map { place, name in
                try Make.workload(name, at: "10.0.0.\(place + 1)") {
                    $0.services[key] = []
                    $0.status = name.hasPrefix("sick") ? .unhealthy : .healthy
                }
            }
            world = Make.world([service], workloads)
            traffic = LoopTraffic(own: try Make.workload("waypoint-0", at: "10.0.9.9"))
            var rules = TrafficRules(service: key)
            change(&rules)
            learn(.upsertTraffic(rules))
        }

        mutating func learn(_ change: WorldChange) {
            world.apply(change)
            if let own = try? Make.workload("waypoint-0", at: "10.0.9.9") { traffic.learn(world, own: own) }
        }

        /// What there is by the present rules.
        mutating func cluster(at now: Duration = .zero) throws -> ServiceCluster {
            switch traffic.port(target, now: now) {
            case .cluster(let cluster): return cluster
            case .none: throw Absence.none
            case .refused(let reason): throw Absence.refused(reason)
            }
        }

        enum Absence: Error, Equatable {
            case none
            case refused(String)
        }

        mutating func names(_ caller: Identity? = nil, at now: Duration = .zero) throws -> Set<String> {
            var names: Set<String> = []
            for _ in 0..<60 {
                let question = ServiceCluster.Question(caller: caller, now: now)
                let endpoint = try cluster(at: now).choose(question, using: &generator)
                names.insert(try #require(endpoint).workload.name)
            }
            return names
        }
    }

    @Test("outliers are left out, and a new world keeps what is known")
    func outliers() throws {
        var rig = try Rig(["a", "b", "c"]) { rules in
            rules.policy.outliers = OutlierDetection()
            rules.policy.outliers?.consecutiveServerErrors = 1
        }
        #expect(try rig.names() == ["a", "b", "c"])
        try rig.cluster().ended("c//Pod/shop/b", outcome: .serverError, now: .zero)
        #expect(try rig.names() == ["a", "c"])
        let key = rig.service.key
        rig.learn(.upsertWorkload(try Make.workload("d", at: "10.0.0.9") { $0.services[key] = [] }))
        #expect(try rig.names() == ["a", "c", "d"])
        #expect(try rig.names(at: .seconds(60)) == ["a", "b", "c", "d"])
    }

    @Test("workloads in quarantine are for the named callers")
    func quarantine() throws {
        let doctor = Identity(namespace: "ops", serviceAccount: "doctor")
        var rig = try Rig(["well", "sick", "sick-too"]) { rules in
            rules.quarantined = ["c//Pod/shop/sick"]
            rules.limits.quarantineCallers = [doctor]
        }
        #expect(try rig.names() == ["well"])
        #expect(try rig.names(doctor) == ["sick"])
        rig.learn(.removeAddress(name: "c//Pod/shop/well"))
        let anybody = ServiceCluster.Question(now: .zero)
        #expect(try rig.cluster().choose(anybody, using: &rig.generator) == nil)
        rig.learn(.removeAddress(name: "c//Pod/shop/sick"))
        let named = ServiceCluster.Question(caller: doctor, now: .zero)
        #expect(try rig.cluster().choose(named, using: &rig.generator) == nil)
    }

    @Test("what was tried is not chosen, and everybody tried is nobody")
    func exclusion() throws {
        var rig = try Rig(["a", "b"])
        var question = ServiceCluster.Question(now: .zero)
        question.excluded = ["c//Pod/shop/a"]
        #expect(try rig.cluster().choose(question, using: &rig.generator)?.workload.name == "b")
        question.excluded.insert("c//Pod/shop/b")
        #expect(try rig.cluster().choose(question, using: &rig.generator) == nil)
    }

    @Test("the endpoint a client was at is left when it is ejected, tried, or in quarantine")
    func find() throws {
        var rig = try Rig(["a", "b", "sick"]) { rules in
            rules.policy.outliers = OutlierDetection()
            rules.policy.outliers?.consecutiveServerErrors = 1
            rules.quarantined = ["c//Pod/shop/sick"]
        }
        var question = ServiceCluster.Question(now: .zero)
        func found(_ name: String) throws -> Bool {
            try rig.cluster().find(question) { $0 == "c//Pod/shop/\(name)" } != nil
        }
        #expect(try found("a") && found("b") && !found("sick"))
        try rig.cluster().ended("c//Pod/shop/b", outcome: .serverError, now: .zero)
        #expect(try found("a") && !found("b"))
        question.excluded = ["c//Pod/shop/a"]
        #expect(try !found("a"))
    }

    @Test("a changed policy keeps the count of what is under way, and a lease gives back once")
    func change() throws {
        var rig = try Rig(["a"]) { $0.policy.connections.requestsMax = 1 }
        let cluster = try rig.cluster()
        let lease = EndpointLease(cluster)
        try lease.take(.requests)
        try lease.take(.requests)
        #expect(cluster.count(.requests) == 1)
        #expect(throws: ConnectionFailure.limitReached(limit: "requests")) {
            try EndpointLease(cluster).take(.requests)
        }
        var wider = TrafficRules(service: rig.service.key)
        wider.policy.connections.requestsMax = 2
        rig.learn(.upsertTraffic(wider))
        #expect(try rig.cluster() === cluster)
        let other = EndpointLease(cluster)
        try other.take(.requests)
        #expect(cluster.count(.requests) == 2)
        other.end()
        other.end()
        other.release(.requests)
        #expect(cluster.count(.requests) == 1)
        // The service is gone and comes back: what is under way is not taken from the new count.
        rig.learn(.removeTraffic(name: TrafficScope(rig.service.key).description))
        #expect(throws: Rig.Absence.none) { try rig.cluster() }
        rig.learn(.upsertTraffic(wider))
        let fresh = try rig.cluster()
        try EndpointLease(fresh).take(.requests)
        lease.end()
        #expect(cluster.count(.requests) == 0 && fresh.count(.requests) == 0)
    }

    @Test("who waits for a connection is told in turn, and who leaves is passed over")
    func turns() throws {
        var rig = try Rig(["a"]) { $0.policy.connections.connectionsMax = 1 }
        let cluster = try rig.cluster()
        let connection = try #require(EndpointLease.connection(cluster))
        #expect(EndpointLease.connection(cluster) == nil)
        final class Told { var names: [String] = [] }
        let told = Told()
        let waiting = ["one", "two", "three"].map { ($0, EndpointLease(cluster)) }
        for (name, lease) in waiting { lease.wait(isFirst: false) { told.names.append("\(name) \($0)") } }
        waiting[0].1.end()
        #expect(told.names == ["one false"])
        connection.end()
        #expect(told.names == ["one false", "two true"])
        let next = try #require(EndpointLease.connection(cluster))
        // It was of no use to it: it stands in front again.
        waiting[1].1.wait(isFirst: true) { told.names.append("again \($0)") }
        next.end()
        cluster.wakeNext()
        #expect(told.names == ["one false", "two true", "again true", "three true"])
        cluster.wakeNext()
        #expect(told.names.count == 4)
    }

    @Test("rules that are not understood, and TLS that we cannot make, refuse")
    func refusal() throws {
        var rig = try Rig(["a"]) { $0.policy.refusal = "TLS" }
        #expect(throws: Rig.Absence.refused("TLS")) { try rig.cluster() }
        rig.learn(.removeTraffic(name: TrafficScope(rig.service.key).description))
        #expect(throws: Rig.Absence.none) { try rig.cluster() }
        rig.learn(.refuseTraffic(name: TrafficScope(rig.service.key).description))
        #expect(throws: Rig.Absence.self) { try rig.cluster() }
        guard case .refused = rig.traffic.shield(rig.service.key) else {
            Issue.record("what is not understood lets nothing through")
            return
        }
    }

    @Test("a shield keeps its tokens while its limits are the same, over new worlds")
    func shield() throws {
        var rig = try Rig(["a"]) { rules in
            rules.limits.rateLimits = [
                RateLimit(key: .all, tokensMax: 1, tokensPerFill: 1, fillInterval: .seconds(1))
            ]
        }
        func admit(_ rig: inout Rig) throws -> Bool? {
            guard case .shield(let shield) = rig.traffic.shield(rig.service.key) else { return nil }
            let facts = ServiceShield.Facts(identity: nil) { _ in nil }
            return shield.state.admit(facts, now: .zero).isLetIn
        }
        #expect(try admit(&rig) == true)
        #expect(try admit(&rig) == false)
        rig.learn(.upsertWorkload(try Make.workload("d", at: "10.0.0.9")))
        #expect(try admit(&rig) == false)
        rig.learn(.removeTraffic(name: TrafficScope(rig.service.key).description))
        #expect(try admit(&rig) == nil)
    }
}
