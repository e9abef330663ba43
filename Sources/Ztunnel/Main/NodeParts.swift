import FoundationEssentials
import GRPCNIOTransportHTTP2Posix
import Logging
import MeshDiscovery
import MeshIdentity
import MeshKernel
import MeshModel
import MeshRuntime
import MeshTLS
import MeshTelemetry
import NIOPosix
import NodeCNI
import ServiceLifecycle
import ZtunnelNode
import ZtunnelTunnel

/// Connections to the control plane: one when discovery and certificates come from the same place.
struct ControlConnections {
    let discovery: ControlPlaneConnection
    let authority: ControlPlaneConnection

    init(_ settings: ZtunnelSettings, _ group: MultiThreadedEventLoopGroup, _ log: Logger) {
        self.discovery = ControlPlaneConnection(endpoint: settings.discovery, eventLoopGroup: group, log: log)
        self.authority =
            settings.authority == settings.discovery
            ? discovery
            : ControlPlaneConnection(endpoint: settings.authority, eventLoopGroup: group, log: log)
    }
}

extension ControlConnections {
    func certificateAuthority() -> GRPCCertificateAuthority<HTTP2ClientTransport.Posix> {
        GRPCCertificateAuthority { [authority] call in try await authority.withClient(call) }
    }
}

/// What learns from the control plane and what it tells to.
struct NodeParts {
    let agent: NodeAgent
    let discovery: DiscoveryClient
    let enrolment: EnrolmentClient
    let relay: NewsRelay
    /// What tells us which pods there are: Istio's node agent, once the world is known, or apusd.
    let lead: @Sendable () async -> Void

    init(
        settings: ZtunnelSettings, tunnel: Tunnel, connection: ControlPlaneConnection, output: LogOutput,
        metrics: MetricsRegistry, readiness: Readiness, succession: Succession, isWaiting: Bool
    ) throws {
        let relay = NewsRelay()
        let enrolment = EnrolmentClient(
            connection: connection, node: settings.tunnel.nodeName, log: output.logger("enrolment"),
            isSilent: true,
            onIntent: { intent in
                readiness.done(NodeProcess.Pending.pods)
                relay.tell(.intent(intent))
            }
        )
        let agent = NodeAgent(
            tunnel: tunnel, home: try NetworkNamespace.home(), storePath: settings.attachmentsPath,
            nodeName: settings.tunnel.nodeName, logger: output.logger("node"),
            isWaiting: isWaiting, isLed: settings.agentSocket != nil, scan: settings.processes,
            probes: try settings.probedFrom.map { try NodeProbes(in: NetworkNamespace(path: $0)) },
            onCapturedNamespaces: Self.writer(of: settings.controlSocketPath, output.logger("cni")),
            report: { reports in relay.tell(.reports(reports)) }
        )
        relay.connect(agent: agent, enrolment: enrolment)
        let counters = DiscoveryCounters(metrics)
        let synced = OneShot()
        if let path = settings.agentSocket {
            let link = AgentLink(path: path, agent: agent, logger: output.logger("zds")) { isComplete in
                isComplete
                    ? readiness.done(NodeProcess.Pending.pods) : readiness.undone(NodeProcess.Pending.pods)
            }
            self.lead = {
                await synced.wait()
                await succession.arrived.wait()
                await link.run()
            }
        } else {
            self.lead = { await enrolment.run() }
        }
        self.agent = agent
        self.enrolment = enrolment
        self.relay = relay
        self.discovery = DiscoveryClient(
            connection: connection, node: settings.node, log: output.logger("xds"),
            // Acknowledged when the loops go by it; the agent decides about pods, not about connections.
            onWorld: { world in
                await tunnel.learn(world)
                relay.tell(.world(world))
            },
            onEvent: { event in
                counters.count(event)
                guard event == .ready else { return }
                readiness.done(NodeProcess.Pending.world)
                synced.fire()
            }
        )
    }
}

extension NodeParts {
    /// Writes down for the CNI plugin which namespaces have something to capture, for when nobody answers it.
    private static func writer(of socket: String, _ logger: Logger) -> @Sendable (Set<String>) -> Void {
        let path = CapturedNamespaces.path(besides: socket)
        return { names in
            do {
                try Data(CapturedNamespaces(names).text.utf8).write(to: URL(filePath: path), options: .atomic)
            } catch {
                logger.error("captured namespaces not written; while this daemon is away, no pod can start",
                    metadata: ["file": "\(path)", "error": "\(error)"])
            }
        }
    }
}

/// Carries news between the parts in order, so that none of them waits for another.
final class NewsRelay: Sendable {
    enum News: Sendable {
        case world(World)
        case intent(NodeIntent)
        case reports([PodReport])
    }

    private let stream: AsyncStream<News>
    private let continuation: AsyncStream<News>.Continuation
    private let ends = Latch<(NodeAgent, EnrolmentClient)>()

    init() {
        // Each news replaces the one before of its kind and its makers are few and slow: no bound is reached.
        (self.stream, self.continuation) = AsyncStream.makeStream(
            of: News.self, bufferingPolicy: .bufferingNewest(4096))
    }

    func connect(agent: NodeAgent, enrolment: EnrolmentClient) {
        ends.set((agent, enrolment))
    }

    func tell(_ news: News) {
        continuation.yield(news)
    }

    func run() async {
        guard let (agent, enrolment) = ends.value else { return }
        for await news in stream {
            switch news {
            case .world(let world):
                await agent.learn(world)
            case .intent(let intent):
                await agent.learn(intent)
            case .reports(let reports):
                await enrolment.report(reports)
            }
        }
    }
}
