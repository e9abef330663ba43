import ControlTranslate
import Logging

/// Tells worlds to nodes and to waypoints in an order in which no caller is sent to a waypoint that does not expect it.
/// Belongs to one actor.
final class WorldRelease {
    private let nodes: Board<ServedWorld>
    private let waypoints: Board<ServedWorld>
    private let acknowledgements: Acknowledgements
    private let log: Logger
    private var bindings = WaypointBindings()
    private var nodeEncoder = WorldEncoder()
    private var waypointEncoder = WorldEncoder()
    private var desired: DesiredWorld?
    private var isReleasing = false
    private var settled: [CheckedContinuation<Void, Never>] = []

    init(
        nodes: Board<ServedWorld>, waypoints: Board<ServedWorld>, acknowledgements: Acknowledgements, log: Logger
    ) {
        self.nodes = nodes
        self.waypoints = waypoints
        self.acknowledgements = acknowledgements
        self.log = log
    }

    /// A new world. Everything but a change of somebody's waypoint is told at once; when it returns true, `run` is to
    /// tell the rest.
    func publish(_ desired: DesiredWorld) -> Bool {
        self.desired = desired
        bindings.learn(desired)
        tellWaypoints()
        tellNodes()
        guard bindings.isPending, !isReleasing else { return false }
        isReleasing = true
        return true
    }

    /// Waits until nodes go by the last world, its waypoints included.
    func untilSettled() async {
        if isReleasing {
            await withCheckedContinuation { settled.append($0) }
        } else {
            await wait(for: .nodes, nodeEncoder.world.revision)
        }
    }

    /// Tells changes of waypoints step by step, until none is left.
    func run() async {
        while bindings.isPending {
            await wait(for: .waypoints, waypointEncoder.world.revision)
            bindings.release()
            tellNodes()
            await wait(for: .nodes, nodeEncoder.world.revision)
            // A change that came meanwhile begins anew; what it leaves behind is forgotten with it.
            if !bindings.isPending { bindings.forget() }
            tellWaypoints()
        }
        isReleasing = false
        let waiting = settled
        settled = []
        for continuation in waiting { continuation.resume() }
    }

    private func wait(for audience: Acknowledgements.Audience, _ revision: UInt64) async {
        let bound = Duration.seconds(ServeLimits.bindingSeconds)
        if await !acknowledgements.wait(for: audience, revision, within: bound) {
            log.warning("not all \(audience) have taken a change of waypoints within \(bound); going on without them")
        }
    }

    private func tellNodes() {
        guard let desired else { return }
        if nodeEncoder.update(to: bindings.forNodes(desired)) || nodes.current == nil {
            nodes.publish(nodeEncoder.world)
        }
    }

    private func tellWaypoints() {
        guard let desired else { return }
        // Without waypoints nobody listens; those that remain hear of their end.
        guard !desired.waypoints.isEmpty || waypoints.current != nil else { return }
        if waypointEncoder.update(to: bindings.forWaypoints(desired)) || waypoints.current == nil {
            waypoints.publish(waypointEncoder.world)
        }
    }
}
