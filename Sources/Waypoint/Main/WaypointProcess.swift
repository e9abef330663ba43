import GRPCNIOTransportHTTP2Posix
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
import WaypointGateway
import WaypointKeys
import WaypointToken

/// Makes the parts of the waypoint and ties them together.
struct WaypointProcess {
    private let settings: WaypointSettings
    private let output: LogOutput
    private let logger: Logger
    private let metrics = MetricsRegistry()
    private let readiness = Readiness(pending: ["state manager", "certificate", "listener"])
    private let shutdown = Shutdown()

    init(_ settings: WaypointSettings) {
        self.settings = settings
        self.output = LogOutput(
            format: settings.logFormat, filter: settings.logFilter, sink: LineSink.standardOutput())
        self.logger = output.logger("waypoint")
    }

    /// Runs until the process is asked to stop and has drained.
    func run() async throws {
        for name in settings.unknownNames {
            logger.warning("setting not known; spelling mistake?", metadata: ["name": "\(name)"])
        }
        let dataLoops = MultiThreadedEventLoopGroup(numberOfThreads: settings.workerThreads)
        let controlLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connection = ControlPlaneConnection(
            endpoint: settings.discovery, eventLoopGroup: controlLoop, log: output.logger("control"))
        let spiffe = settings.workloadAPI.map {
            WorkloadAPISource($0, group: controlLoop, log: output.logger("spiffe"))
        }
        let certificates = certificateManager(spiffe, connection, controlLoop)
        let tracing = Tracing(settings, group: controlLoop, log: output.logger("tracing"))
        let gateway = try await Gateway(
            group: dataLoops, settings: settings.gateway, certificates: certificates,
            accessLog: AccessLog(output, requests: settings.requestLines), tracing: tracing?.gateway)
        for reader in await gateway.metricsReaders() { metrics.attach(reader) }
        for reader in await gateway.requestReaders() { metrics.attachRequests(reader) }
        tracing?.register(in: metrics)
        let (keys, fetchedKeys) = AsyncStream.makeStream(
            of: [String: KeySet].self, bufferingPolicy: .bufferingNewest(1))
        let fetcher = KeyFetcher(group: controlLoop, settings: settings.keys, logger: output.logger("keys")) {
            fetchedKeys.yield($0)
        }
        let discovery = DiscoveryClient(
            connection: connection, node: settings.node, wantsRoutes: true, log: output.logger("xds"),
            onWorld: { world in
                await gateway.learn(world)
                await fetcher.want(world.tokenPolicies)
            },
            onEvent: { [readiness] event in if event == .ready { readiness.done("state manager") } })
        await gateway.reportMissingKeys { uri, name in Task { await fetcher.miss(uri, keyIdentifier: name) } }
        let hold = await certificates.hold(settings.gateway.identity) { [readiness] result in
            if case .success = result { readiness.done("certificate") }
        }
        let address = try await gateway.open(on: settings.tunnelAddress)
        readiness.done("listener")
        registerMetrics()
        ControlSocket.open(settings.controlSocketPath, for: gateway, log: output.logger("control"))
        announce(address)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: TaskService { await certificates.run(with: spiffe) }),
                    .init(service: TaskService { await discovery.run() }),
                    .init(service: TaskService { await fetcher.run() }),
                    .init(service: TaskService { for await sets in keys { await gateway.learn(sets) } }),
                    .init(service: DrainService(gateway: gateway, seconds: settings.drainSeconds)),
                ] + adminServices(on: controlLoop).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: output.logger("lifecycle")))
        let stopper = Task { [shutdown] in
            await shutdown.requested.wait()
            await group.triggerGracefulShutdown()
        }
        let tidying = Self.tidyLater()
        try await group.run()
        stopper.cancel()
        tidying.cancel()
        await certificates.release(hold)
        await tracing?.stop()
        logger.info("waypoint stopped")
        shutdown.finished.fire()
        await output.sink.close()
        try await dataLoops.shutdownGracefully()
    }

    /// Gives back what only the start needed, once the control plane's first answers are there: most of an idle
    /// process is pages of its program file.
    private static func tidyLater() -> Task<Void, any Error> {
        Task {
            try await Task.sleep(for: .seconds(2))
            _ = AllocatorTuning.releaseFreeMemory()
            ProcessResources.releaseProgramPages()
        }
    }

    private func certificateManager(
        _ spiffe: WorkloadAPISource?, _ discovery: ControlPlaneConnection, _ loop: MultiThreadedEventLoopGroup
    ) -> CertificateManager {
        let connection =
            settings.authority == settings.discovery
            ? discovery
            : ControlPlaneConnection(
                endpoint: settings.authority, eventLoopGroup: loop, log: output.logger("control"))
        var certificateSettings = CertificateManager.Settings()
        certificateSettings.validitySeconds = settings.certificateLifetimeSeconds
        let client = GRPCCertificateAuthority<HTTP2ClientTransport.Posix> { call in
            try await connection.withClient(call)
        }
        return CertificateManager(
            spiffe, orElse: client, settings: certificateSettings, log: output.logger("certificates"))
    }

    private func announce(_ address: TransportAddress) {
        logger.info(
            "waypoint started",
            metadata: [
                "version": "\(Waypoint.version)",
                "gateway": "\(settings.gateway.namespace)/\(settings.gateway.name)",
                "identity": "\(settings.gateway.identity)", "listening": "\(address)",
                "tls": "\(TLSLibrary.versionText)",
                "control-plane": "\(settings.discovery.host):\(settings.discovery.port)",
            ])
    }

    private func adminServices(on group: MultiThreadedEventLoopGroup) -> [AdminService] {
        let log = output.logger("admin")
        let index = StandardRoutes.index(
            title: "waypoint \(settings.gateway.namespace)/\(settings.gateway.name)",
            pages: [("/logging", "log levels (POST)"), ("/quitquitquit", "graceful stop (POST)")])
        let admin = AdminServer(
            routes: [index, StandardRoutes.logging(output), StandardRoutes.quit(shutdown)], group: group, logger: log)
        let stats = AdminServer(routes: StandardRoutes.metrics(metrics), group: group, logger: log)
        let ready = AdminServer(routes: [readiness.route], group: group, logger: log)
        return [
            AdminService(admin, on: [settings.adminAddress]), AdminService(stats, on: [settings.metricsAddress]),
            AdminService(ready, on: [settings.readinessAddress]),
        ]
    }

    private func registerMetrics() {
        metrics.registerProcess()
        metrics.registerBuild(component: "waypoint", version: Waypoint.version)
        metrics.registerLog(output)
    }
}

/// When the process is asked to stop: peers are told, running requests may end, the rest is cut at the deadline.
struct DrainService: ServiceLifecycle.Service {
    let gateway: Gateway
    let seconds: Int64

    func run() async throws {
        try? await gracefulShutdown()
        await gateway.drain(within: .seconds(seconds))
    }
}
