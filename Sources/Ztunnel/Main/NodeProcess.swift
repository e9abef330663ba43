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
    private let settings: ZtunnelSettings
    private let output: LogOutput
    private let logger: Logger
    private let metrics = MetricsRegistry()
    private let readiness = Readiness(pending: ["state manager", "workload proxy manager"])
    private let shutdown = Shutdown()

    init(_ settings: ZtunnelSettings) {
        self.settings = settings
        self.output = LogOutput(
            format: settings.logFormat, filter: settings.logFilter, sink: LineSink.standardOutput()
        )
        self.logger = output.logger("ztunnel")
    }

    /// Runs until the process is asked to stop and has drained.
    func run() async throws {
        for name in settings.unknownNames {
            logger.warning("setting not known; spelling mistake?", metadata: ["name": "\(name)"])
        }
        let dataLoops = MultiThreadedEventLoopGroup(numberOfThreads: settings.workerThreads)
        let controlLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = ControlConnections(settings, controlLoop, output.logger("control"))
        var certificateSettings = CertificateManager.Settings()
        certificateSettings.validitySeconds = settings.certificateLifetimeSeconds
        let certificates = CertificateManager(
            authority: connections.certificateAuthority(), settings: certificateSettings,
            log: output.logger("certificates")
        )
        let tunnel = try await Tunnel(
            group: dataLoops, settings: settings.tunnel, certificates: certificates, accessLog: AccessLog(output)
        )
        for reader in await tunnel.metricsReaders() { metrics.attach(reader) }
        let parts = try NodeParts(
            settings: settings, tunnel: tunnel, connection: connections.discovery, output: output, metrics: metrics,
            readiness: readiness
        )
        let views = NodeViews(
            nodeName: settings.tunnel.nodeName, agent: parts.agent, tunnel: tunnel,
            version: VersionDump(version: Ztunnel.version, tlsLibrary: TLSLibrary.versionText),
            world: { await parts.discovery.world },
            certificates: { await certificates.snapshot().map(CertificateDump.init) },
            pending: { [readiness] in readiness.pending }
        )
        let log = output.logger("control")
        try ControlSocketServer(path: settings.controlSocketPath, logger: log) { request, namespace in
            await answer(request, namespace, parts.agent, views)
        }.start()
        await parts.agent.restore()
        // Last of those that pods need: from now on their start waits for us.
        let keeper = settings.installation.map { NetworkKeeper($0, logger: output.logger("cni")) }
        keeper?.start()
        registerProcessMetrics()
        logger.info(
            "ztunnel started",
            metadata: [
                "version": "\(Ztunnel.version)", "node": "\(settings.tunnel.nodeName)",
                "tls": "\(TLSLibrary.versionText)", "socket": "\(settings.controlSocketPath)",
                "control-plane": "\(settings.discovery.host):\(settings.discovery.port)",
            ]
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: TaskService { await certificates.run() }),
                    .init(service: TaskService { await parts.discovery.run() }),
                    .init(service: TaskService { await parts.lead() }),
                    .init(service: TaskService { await parts.relay.run() }),
                    .init(service: DrainService(tunnel: tunnel, seconds: settings.drainSeconds)),
                ] + adminServices(on: controlLoop, views).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: output.logger("lifecycle")
            )
        )
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
        try await group.run()
        keeper?.stop()
        stopper.cancel()
        tidying.cancel()
        logger.info("ztunnel stopped")
        shutdown.finished.fire()
        await output.sink.close()
        try await dataLoops.shutdownGracefully()
    }

    private func adminServices(on group: MultiThreadedEventLoopGroup, _ views: NodeViews) -> [AdminService] {
        let log = output.logger("admin")
        let dump = AdminRoute("/config_dump", methods: AdminRoute.anyMethod) { _ in
            do {
                return .json(Array(try await views.dump().json()))
            } catch {
                return .text("the dump could not be encoded: \(error)\n", status: 500)
            }
        }
        let index = StandardRoutes.index(
            title: "ztunnel on \(settings.tunnel.nodeName)",
            pages: [
                ("/config_dump", "everything known, as JSON"), ("/logging", "log levels (POST)"),
                ("/quitquitquit", "graceful stop (POST)"),
            ]
        )
        let admin = AdminServer(
            routes: [index, dump, StandardRoutes.logging(output), StandardRoutes.quit(shutdown)], group: group,
            logger: log
        )
        let stats = AdminServer(routes: StandardRoutes.metrics(metrics), group: group, logger: log)
        let ready = AdminServer(routes: [readiness.route], group: group, logger: log)
        return [
            AdminService(admin, on: [settings.adminAddress]), AdminService(stats, on: [settings.metricsAddress]),
            AdminService(ready, on: [settings.readinessAddress]),
        ]
    }

    private func registerProcessMetrics() {
        metrics.registerProcess()
        metrics.registerBuild(component: "ztunnel", version: Ztunnel.version)
        metrics.registerLog(output)
    }

    private func answer(
        _ request: NodeRequest, _ namespace: NetworkNamespace?, _ agent: NodeAgent, _ views: NodeViews
    ) async -> NodeReply {
        switch request {
        case .attach(let pod, let path):
            guard let namespace else { return .refused("attach came without a network namespace") }
            return await agent.attach(pod, namespace, path: path)
        case .detach(let pod, let seconds):
            return await agent.detach(pod, within: .seconds(seconds))
        case .enrol(let sandbox, let wait, let path):
            guard let namespace else { return .refused("enrol came without a network namespace") }
            return await agent.enrol(sandbox, wait, namespace, path: path)
        case .release(let sandbox):
            return await agent.release(sandbox)
        case .check(let sandbox):
            return await agent.check(sandbox)
        case .retain(let containers):
            return await agent.retain(containers)
        case .show(let view):
            do {
                return .done(try await views.text(view))
            } catch {
                return .refused("cannot show \(view.rawValue): \(error)")
            }
        case .explainConnection(let question):
            do {
                return .done(try await views.explain(question, network: settings.tunnel.network))
            } catch {
                return .refused("\(error)")
            }
        case .explainRequest:
            return .refused("a node looks at connections only: ask a waypoint about requests")
        }
    }
}
