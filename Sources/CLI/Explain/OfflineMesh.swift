import ControlSources
import ControlTranslate
import Foundation
import MeshDiscovery
import MeshModel
import WaypointGateway
import ZtunnelTunnel

/// The mesh as its resources want it: translated as apusd does, with every pod captured that should be and every
/// waypoint ready.
struct OfflineMesh {
    private let world: World

    /// Waypoints that apusd would start have no address yet: these are for documentation (RFC 5737).
    private static let firstAddress: UInt32 = 0xc000_0201

    init(_ options: MeshOptions) throws {
        let path = options.resources ?? ""
        guard let found = ResourceDirectory.read(path) else {
            throw CommandFailure("apus explain: the resources in \(path) cannot be read")
        }
        for finding in found.findings where finding.severity == .error {
            FileHandle.standardError.write(Data("\(finding)\n".utf8))
        }
        var settings = TranslateSettings()
        settings.trustDomain = options.trustDomain
        settings.rootNamespace = options.rootNamespace
        settings.runsWaypoints = true
        let first = Translate.translate(found.resources, settings)
        settings.proven = Set(first.intents.values.joined().filter(\.captured).map(\.pod))
        settings.waypoints = first.wantedWaypoints.enumerated().map { index, gateway in
            WaypointInstance(
                gateway: gateway, address: IPAddress(v4: Self.firstAddress &+ UInt32(truncatingIfNeeded: index)),
                isReady: true)
        }
        world = Self.world(Translate.translate(found.resources, settings))
    }

    private static func world(_ desired: DesiredWorld) -> World {
        var world = World()
        world.apply(contentsOf: desired.workloads.map(WorldChange.upsertWorkload))
        world.apply(contentsOf: desired.services.map(WorldChange.upsertService))
        world.apply(contentsOf: desired.policies.map(WorldChange.upsertPolicy))
        world.apply(contentsOf: desired.routes.map(WorldChange.upsertRoutes))
        world.apply(contentsOf: desired.traffic.map(WorldChange.upsertTraffic))
        world.apply(contentsOf: desired.attachedPolicies.map(WorldChange.upsertAttachedPolicy))
        world.apply(.receiveAttachedPolicies)
        return world
    }

    func connection(_ question: ConnectionQuestion) throws -> ConnectionReport {
        try ConnectionExplainer(world: world, network: "").explain(question)
    }

    /// - Parameter waypoint: `NAMESPACE/NAME`.
    func request(
        _ question: RequestQuestion, at waypoint: String, to connection: ConnectionQuestion
    ) throws -> RequestReport {
        guard let key = PodKey(waypoint), let hop = try self.connection(connection).hop,
            let pod = PodKey(hop.name), let identity = Identity(hop.identity)
        else { throw ExplainProblem("the resources have no waypoint \(waypoint)") }
        var settings = GatewaySettings(
            name: key.name, namespace: key.namespace, serviceAccount: identity.serviceAccount, podName: pod.name)
        settings.trustDomain = identity.trustDomain
        return try RequestExplainer(
            world: world, settings: settings, nowSeconds: Date().timeIntervalSince1970
        ).explain(question)
    }
}
