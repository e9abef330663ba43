import Logging
import MeshDiscovery
import MeshIdentity
import MeshKernel
import MeshModel
import MeshRuntime
import MeshTLS
import MeshTelemetry
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals
import ZtunnelNode
import ZtunnelTunnel

/// Makes the parts of the daemon and ties them together.
struct NodeProcess {
    /// What has to be up, in the words of Istio's ztunnel.
    enum Pending {
        static let world = "state manager"
        static let pods = "workload proxy manager"
    }

    let settings: ZtunnelSettings
    let output: LogOutput
    let logger: Logger
    let metrics = MetricsRegistry()
    let readiness = Readiness(pending: [Pending.world, Pending.pods])
    let shutdown = Shutdown()
    private let succession = Succession()

    init(_ settings: ZtunnelSettings) {
        self.settings = settings
        self.output = LogOutput(
            format: settings.logFormat, filter: settings.logFilter, sink: LineSink.standardOutput()
        )
        self.logger = output.logger("ztunnel")
    }

    /// Runs until the process is asked to stop and has drained, or until what it handed over has drained here.
    func run() async throws {
        for name in settings.unknownNames {
            logger.warning("setting not known; spelling mistake?", metadata: ["name": "\(name)"])
        }
        let greeting = HandoverGreeting(
            program: Ztunnel.version, node: settings.tunnel.nodeName, network: try NetworkNamespace.home().identity)
        let handoverPath = HandoverServer.path(besides: settings.controlSocketPath)
        let takeover = try await Takeover.find(
            path: handoverPath, greeting: greeting, logger: output.logger("handover"))
        let dataLoops = MultiThreadedEventLoopGroup(numberOfThreads: settings.workerThreads)
        let controlLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = ControlConnections(settings, controlLoop, output.logger("control"))
        var certificateSettings = CertificateManager.Settings()
        certificateSettings.validitySeconds = settings.certificateLifetimeSeconds
        let spiffe = settings.workloadAPI.map {
            WorkloadAPISource($0, group: controlLoop, log: output.logger("spiffe"))
        }
        let certificates = CertificateManager(
            spiffe, orElse: connections.certificateAuthority(), settings: certificateSettings,
            log: output.logger("certificates")
        )
        let tunnel = try await Tunnel(
            group: dataLoops, settings: settings.tunnel, certificates: certificates, accessLog: AccessLog(output)
        )
        for reader in await tunnel.metricsReaders() { metrics.attach(reader) }
        let parts = try NodeParts(
            settings: settings, tunnel: tunnel, connection: connections.discovery, output: output, metrics: metrics,
            readiness: readiness, succession: succession, isWaiting: takeover != nil
        )
        let views = self.views(parts, tunnel, certificates)
        let pages = self.pages(on: controlLoop, views)
        let arrival = arrival(parts, tunnel, greeting, pages, control: control(parts.agent, views))
        if takeover == nil { try await arrival.alone() }
        registerProcessMetrics()
        sayStarted()
        // Pages of a daemon that is there still have the same addresses, if it is in the same network namespace.
        let isShared = takeover.map { $0.predecessor.network == greeting.network } ?? false
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: TaskService { await certificates.run(with: spiffe) }),
                    .init(service: TaskService { await parts.discovery.run() }),
                    .init(service: TaskService { await succession.whileServing(parts.lead) }),
                    .init(service: TaskService { await parts.relay.run() }),
                    .init(service: ArrivalService(arrival: arrival, takeover: takeover)),
                    .init(service: TaskService { await retire(tunnel, parts.agent) }),
                    .init(service: DrainService(tunnel: tunnel, settings: settings, succession: succession)),
                ] + pages.map { .init(service: PageService($0, after: isShared ? succession.arrived : nil)) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: output.logger("lifecycle")
            )
        )
        try await run(group)
        arrival.keeper?.stop(forSuccessor: succession.successor.value != nil)
        let isLast = succession.arrived.hasFired && succession.successor.value == nil
        if isLast, settings.installation?.removesAtEnd == true {
            await parts.agent.removeFiles(besides: settings.controlSocketPath)
        }
        logger.info("ztunnel stopped")
        shutdown.finished.fire()
        await output.sink.close()
        try await dataLoops.shutdownGracefully()
        if succession.lost.hasFired { throw HandoverError.successorEnded }
    }

    private func run(_ group: ServiceGroup) async throws {
        let stopper = Task { [shutdown] in
            await shutdown.requested.wait()
            await group.triggerGracefulShutdown()
        }
        let tidying = Task {
            // After the control plane's first answers, before anybody looks.
            try await Task.sleep(for: .seconds(2))
            _ = AllocatorTuning.releaseFreeMemory()
            ProcessResources.releaseProgramPages()
        }
        defer {
            stopper.cancel()
            tidying.cancel()
        }
        try await group.run()
    }

    private func sayStarted() {
        logger.info(
            "ztunnel started",
            metadata: [
                "version": "\(Ztunnel.version)", "node": "\(settings.tunnel.nodeName)",
                "tls": "\(TLSLibrary.versionText)", "socket": "\(settings.controlSocketPath)",
                "control-plane": "\(settings.discovery.host):\(settings.discovery.port)",
            ]
        )
    }

    private func views(_ parts: NodeParts, _ tunnel: Tunnel, _ certificates: CertificateManager) -> NodeViews {
        NodeViews(
            nodeName: settings.tunnel.nodeName, agent: parts.agent, tunnel: tunnel,
            version: VersionDump(version: Ztunnel.version, tlsLibrary: TLSLibrary.versionText),
            world: { await parts.discovery.world },
            certificates: { await certificates.snapshot().map(CertificateDump.init) },
            pending: { [readiness] in readiness.pending }
        )
    }

    private func control(_ agent: NodeAgent, _ views: NodeViews) -> ControlSocketServer {
        let answers = ControlAnswers(
            agent: agent, views: views, network: settings.tunnel.network, socketPath: settings.controlSocketPath)
        return ControlSocketServer(path: settings.controlSocketPath, logger: output.logger("control")) {
            await answers.answer($0, $1)
        }
    }

    private func arrival(
        _ parts: NodeParts, _ tunnel: Tunnel, _ greeting: HandoverGreeting, _ pages: [Page],
        control: ControlSocketServer
    ) -> Arrival {
        let keeper = settings.installation.map { NetworkKeeper($0, logger: output.logger("cni")) }
        let succession = self.succession
        let estate = HandoverEstate(agent: parts.agent, tunnel: tunnel, control: control) { successor in
            keeper?.stop(forSuccessor: true)
            succession.released.fire()
            guard successor.network == greeting.network else { return }
            for page in pages { await page.server.stopListening() }
        }
        let log = output.logger("handover")
        let successors = HandoverServer(greeting: greeting, estate: estate, logger: log) {
            succession.begin($0)
        }
        return Arrival(
            settings: settings, agent: parts.agent, tunnel: tunnel, control: control, successors: successors,
            keeper: keeper, readiness: readiness, succession: succession, logger: log)
    }

    /// After a hand-over: what lives goes on to its end, then the process ends, or waits until it is asked to.
    private func retire(_ tunnel: Tunnel, _ agent: NodeAgent) async {
        await succession.released.wait()
        await succession.begun.wait()
        if let successor = succession.successor.value {
            await tunnel.retire(within: .seconds(settings.handoverDrainSeconds)) { pod in
                Task {
                    await agent.untilPredecessorIsIdle(pod)
                    await successor.tell(idle: pod)
                }
            }
            // Who sees us end takes all pods for idle, also those of whom we took over from.
            await agent.untilPredecessorIsIdle()
            guard !Task.isCancelled else { return }
            logger.info("nothing is left of what was handed over")
            if settings.staysAfterHandover {
                await successor.untilEnded()
                guard !Task.isCancelled else { return }
                succession.lost.fire()
            }
            shutdown.requested.fire()
        }
        await OneShot().wait()
    }
}
