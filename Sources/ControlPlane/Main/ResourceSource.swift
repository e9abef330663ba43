import ControlKubernetes
import ControlServe
import ControlSources
import ControlTranslate
import Foundation
import Logging
import MeshRuntime
import ServiceLifecycle
import Synchronization

/// Where resources are, as the command line says it.
enum ResourcePlace: Sendable {
    case directory(String)
    case cluster(ClusterConfiguration)

    /// How to reach the API server; `nil`: there is none.
    var cluster: ClusterConfiguration? {
        if case .cluster(let configuration) = self { return configuration }
        return nil
    }

    init(_ options: ApusdOptions, _ reader: inout OptionReader) {
        self = .directory(options.resources ?? "")
        switch (options.resources, options.kubernetes) {
        case (_?, false):
            for (name, value) in [("--kubeconfig", options.kubeconfig), ("--context", options.context)] {
                if value != nil { reader.complain(name, "needs --kubernetes") }
            }
        case (nil, false): reader.complain("--resources", "expected a directory, or --kubernetes, found neither")
        case (_?, true): reader.complain("--resources", "expected a directory or --kubernetes, found both")
        case (nil, true):
            do {
                self = .cluster(
                    try ClusterConfiguration.find(
                        kubeconfig: options.kubeconfig, context: options.context,
                        environment: ProcessInfo.processInfo.environment))
            } catch {
                reader.complain("--kubernetes", error.description)
            }
        }
    }
}

/// Reads resources from wherever they are.
enum ResourceSource: Sendable {
    case directory(DirectorySource)
    case cluster(KubernetesSource, StatusWriter?)

    init(_ settings: ApusdSettings, readiness: Readiness, log: Logger) {
        switch settings.place {
        case .directory(let path):
            self = .directory(
                DirectorySource(
                    directory: path, logger: log, waitsForReadableFiles: settings.waitsForReadableFiles))
        case .cluster(let configuration):
            log.info("reading resources from \(configuration.server)", metadata: ["by": "\(configuration.origin)"])
            let waits = ShownWaits(readiness)
            let writer = settings.writesStatus ? StatusWriter(configuration, logger: log) : nil
            let source = KubernetesSource(configuration, logger: log, statusWriter: writer) { waits.show($0) }
            self = .cluster(source, writer)
        }
    }

    /// `nil`: there is no API server to say anything of.
    var kinds: KubernetesSource.StatusBoard? {
        switch self {
        case .directory: nil
        case .cluster(let source, _): source.statusBoard
        }
    }

    /// `nil`: there is no API server, or statuses are not ours.
    var statusWriter: StatusWriter? {
        switch self {
        case .directory: nil
        case .cluster(_, let writer): writer
        }
    }

    func run(onChange: @escaping @Sendable (ResourceSet, [Finding]) async -> Void) async {
        switch self {
        case .directory(let source): await source.run(onChange: onChange)
        case .cluster(let source, _): await source.run(onChange: onChange)
        }
    }
}

/// Shows on the readiness page what a source still waits for.
private final class ShownWaits: Sendable {
    private let readiness: Readiness
    private let shown = Mutex<Set<String>>([])

    init(_ readiness: Readiness) { self.readiness = readiness }

    func show(_ names: [String]) {
        shown.withLock { shown in
            let now = Set(names.map { "kubernetes \($0)" })
            for name in shown.subtracting(now) { readiness.done(name) }
            for name in now.subtracting(shown) { readiness.undone(name) }
            shown = now
        }
    }
}

/// The part of the process that reads resources.
struct SourcePart: ServiceLifecycle.Service {
    let source: ResourceSource
    let desk: ControlDesk

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await source.run { resources, findings in
                await desk.resourcesChanged(resources, findings: findings)
            }
        }
    }
}
