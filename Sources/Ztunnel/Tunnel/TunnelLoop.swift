internal import MeshDiscovery
internal import MeshKernel
internal import MeshModel
internal import MeshProxy
internal import MeshTelemetry
internal import NIOCore

/// What one event loop of the tunnel knows and owns. Nothing of it leaves the loop, so nothing of it is locked.
final class TunnelLoop {
    let eventLoop: any EventLoop
    /// Where the loop's thread is whenever it does not open a socket for a pod.
    let home: NetworkNamespace
    let settings: TunnelSettings
    let metrics: MetricsShard
    let accessLog: AccessLog
    private(set) var world: World
    private(set) var pods: [PodKey: PodOnLoop] = [:]
    /// Of all pods on this loop.
    let handshakes: HandshakeCount
    var generator = LoopGenerator()
    /// Self-tests under way: the destination that was dialled, and whom to tell that it arrived at 15001.
    var selfTests: [SelfTestKey: () -> Void] = [:]
    /// `baggage` of our own pods; made once for each state of a workload.
    private var baggageOfWorkload: [Workload: String] = [:]

    /// Must be called on the loop.
    /// - Parameter loopCount: data loops of the node, which share its limits.
    init(
        eventLoop: any EventLoop, settings: TunnelSettings, metrics: MetricsShard, accessLog: AccessLog, world: World,
        loopCount: Int = 1
    ) throws(KernelError) {
        self.handshakes = HandshakeCount(maximum: max(1, settings.handshakesPerNodeMax / loopCount))
        self.eventLoop = eventLoop
        self.home = try .ofCallingThread()
        self.settings = settings
        self.metrics = metrics
        self.accessLog = accessLog
        self.world = world
    }

    func learn(_ world: World) {
        self.world = world
        baggageOfWorkload.removeAll(keepingCapacity: true)
        for pod in pods.values { pod.learn(world) }
    }

    func add(_ pod: PodOnLoop) {
        pods[pod.key] = pod
        pod.learn(world)
    }

    func remove(_ key: PodKey) -> PodOnLoop? {
        pods.removeValue(forKey: key)
    }

    /// The pod of this node that a tunnel hop would end in; `nil` when the hop leads elsewhere or to a waypoint.
    func localPod(for hop: TunnelHop) -> PodOnLoop? {
        guard hop.workload.node == settings.nodeName, hop.peer.ip == hop.target.ip, hop.workload.hostname.isEmpty,
            let pod = pods[PodKey(namespace: hop.workload.namespace, name: hop.workload.name)],
            pod.workload?.uid == hop.workload.uid, pod.workload?.applicationTunnel == nil
        else { return nil }
        return pod
    }

    func baggage(of workload: Workload) -> String {
        if let known = baggageOfWorkload[workload] { return known }
        let value = Baggage(describing: workload).headerValue
        baggageOfWorkload[workload] = value
        return value
    }
}

/// A self-test belongs to a pod: no other pod's connection can stand for it.
struct SelfTestKey: Hashable, Sendable {
    let pod: PodKey
    let destination: TransportAddress
}
