import MeshModel
import MeshRuntime
import MeshTelemetry
import NIOPosix
import ServiceLifecycle
import ZtunnelNode
import ZtunnelTunnel

/// A server of pages and where it listens.
struct Page: Sendable {
    let server: AdminServer
    let address: TransportAddress
}

extension NodeProcess {
    func pages(on group: MultiThreadedEventLoopGroup, _ views: NodeViews) -> [Page] {
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
            Page(server: admin, address: settings.adminAddress), Page(server: stats, address: settings.metricsAddress),
            Page(server: ready, address: settings.readinessAddress),
        ]
    }

    func registerProcessMetrics() {
        metrics.registerProcess()
        metrics.registerBuild(component: "ztunnel", version: Ztunnel.version)
        metrics.registerLog(output)
    }
}

/// Runs a page, from the start or from something that happens.
struct PageService: ServiceLifecycle.Service {
    private let page: Page
    private let start: OneShot?

    init(_ page: Page, after start: OneShot?) {
        self.page = page
        self.start = start
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await start?.wait() }
        guard start?.hasFired != false else { return }
        try await AdminService(page.server, on: [page.address]).run()
    }
}
