package import ControlServe
import ControlTranslate
package import Logging
import MeshModel

/// Runs one waypoint for each Gateway that wants one. A new one takes traffic once it is proven; one whose Gateway is
/// gone leaves when nobody is sent to it any more, and drains.
package actor WaypointKeeper {
    private struct Running {
        var instance: WaypointInstance
        var lease: AddressPool.Lease?
        var driver: WaypointDriver?
        var life: Task<Void, Never>?
        var isLeaving = false
    }

    private let settings: WaypointRunSettings
    private let controlPlanePort: UInt16
    private let desk: ControlDesk
    private let probe: WaypointProbe
    private let log: Logger
    private var pool: AddressPool
    private var running: [String: Running] = [:]
    private var wanted: [GatewayResource] = []
    private var isStopping = false
    private var version: UInt64 = 0

    /// - Parameters:
    ///   - pool: addresses of the waypoints.
    ///   - controlPlanePort: of discovery and certificates, at the waypoints' gateway.
    package init(
        _ settings: WaypointRunSettings, pool: AddressPool, controlPlanePort: UInt16, desk: ControlDesk,
        probe: WaypointProbe, log: Logger
    ) {
        self.settings = settings
        self.pool = pool
        self.controlPlanePort = controlPlanePort
        self.desk = desk
        self.probe = probe
        self.log = log
    }

    /// Removes what an earlier life left, then follows the resources until the task is cancelled.
    package func run() async {
        let records = WaypointRecords(settings: settings, log: log)
        await blocking { records.sweep() }
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let board = desk.debugBoard
        let listener = board.add { change.yield() }
        defer { board.remove(listener) }
        change.yield()
        for await _ in changes {
            guard let world = board.current else { continue }
            wanted = world.wantedWaypoints
            await reconcile()
        }
    }

    /// Ends all waypoints, each after draining.
    package func stop() async {
        isStopping = true
        for waypoint in running.values { await waypoint.driver?.leave() }
        for waypoint in running.values { await waypoint.life?.value }
    }

    private func reconcile() async {
        guard !isStopping else { return }
        let gateways = Dictionary(wanted.map { ($0.metadata.key, $0) }) { first, _ in first }
        for (key, waypoint) in running where !waypoint.isLeaving {
            guard let gateway = gateways[key], gateway.serviceAccount == waypoint.instance.gateway.serviceAccount,
                gateway.serviceName == waypoint.instance.gateway.serviceName
            else {
                running[key]?.isLeaving = true
                Task { await self.retire(key) }
                continue
            }
            running[key]?.instance.gateway = gateway
        }
        for gateway in wanted where running[gateway.metadata.key]?.lease == nil {
            guard running[gateway.metadata.key]?.isLeaving != true else { continue }
            let lease = pool.take()
            let problem = lease == nil ? "no address is left in \(settings.addresses)" : "the waypoint is starting"
            let instance = WaypointInstance(gateway: gateway, address: lease?.address, problem: problem)
            running[instance.key] = Running(instance: instance, lease: lease)
        }
        // Who starts needs its token, which it gets by being told of.
        await tell()
        for (key, waypoint) in running where waypoint.driver == nil && !waypoint.isLeaving && !isStopping {
            if let lease = waypoint.lease { start(key, waypoint.instance, at: lease) }
        }
    }

    private func start(_ key: String, _ instance: WaypointInstance, at lease: AddressPool.Lease) {
        let driver = WaypointDriver(
            instance, at: lease, settings, controlPlanePort: controlPlanePort, probe: probe, log: log
        ) { [weak self] isReady, problem in
            await self?.report(key, isReady, problem)
        }
        running[key]?.driver = driver
        running[key]?.life = Task { await driver.run() }
    }

    private func report(_ key: String, _ isReady: Bool, _ problem: String) async {
        guard running[key]?.isLeaving == false else { return }
        running[key]?.instance.isReady = isReady
        running[key]?.instance.problem = problem
        await tell()
    }

    /// Its Gateway is gone: callers first, then what still runs through it, then the process.
    private func retire(_ key: String) async {
        await desk.untilNodesKnow()
        // Whoever still names it is refused from here on.
        running[key]?.instance.isReady = false
        running[key]?.instance.problem = "the waypoint is leaving"
        await tell()
        await desk.untilNodesKnow()
        await running[key]?.driver?.leave()
        await running[key]?.life?.value
        if let lease = running[key]?.lease { pool.giveBack(lease) }
        running[key] = nil
        log.info("waypoint left", metadata: ["waypoint": "\(key)"])
        await tell()
        await reconcile()
    }

    private func tell() async {
        version += 1
        let instances = running.values.map(\.instance).sorted { $0.key < $1.key }
        await desk.waypointsChanged(instances, version: version)
    }
}
