import ArgumentParser
import ControlKubernetes

/// Where apusd reads and writes.
struct FolderOptions: ParsableArguments {
    @Option(help: "The directory that apusd reads (its --resources).")
    var resources: String

    @Option(help: "The directory that apusd writes statuses to (its --status).")
    var status: String?

    var folder: ResourceFolder { ResourceFolder(path: resources) }
}

/// A directory, or a cluster.
struct StoreOptions: ParsableArguments {
    @Option(help: "The directory that apusd reads (its --resources), instead of a cluster.")
    var resources: String?

    @Option(help: "The directory that apusd writes statuses to (its --status).")
    var status: String?

    @Option(help: "File that says how to reach the API server; else KUBECONFIG, the pod's own cluster, ~/.kube/config.")
    var kubeconfig: String?

    @Option(help: "Context of the kubeconfig; its current one unless given.")
    var context: String?

    func validate() throws {
        if resources != nil, kubeconfig != nil || context != nil {
            throw ValidationError("expected --resources or --kubeconfig, found both")
        }
        if resources == nil, status != nil { throw ValidationError("--status needs --resources") }
    }

    /// Does it with the store, which is closed in the end.
    func withStore(_ body: (any WaypointStore) async throws -> Void) async throws {
        let store: any WaypointStore
        if let resources {
            store = FolderWaypoints(folder: ResourceFolder(path: resources), statusPath: status)
        } else {
            store = try await ClusterWaypoints(kubeconfig: kubeconfig, context: context)
        }
        do {
            try await body(store)
        } catch {
            await store.close()
            if let failure = error as? APIFailure { throw CommandFailure("apus waypoint: \(store.title): \(failure)") }
            throw error
        }
        await store.close()
    }
}

/// Which waypoint.
struct WaypointOptions: ParsableArguments {
    @Option(name: [.customShort("n"), .long], help: "Namespace of the waypoint.")
    var namespace = "default"

    @Option(help: "Name of the waypoint.")
    var name = "waypoint"

    @Option(name: .customLong("for"), help: "Whom it is for: service, workload, all or none.")
    var traffic: String?

    @Option(name: .shortAndLong, help: "Revision of the control plane that runs it: its label istio.io/rev.")
    var revision: String?

    var gateway: WaypointGateway { WaypointGateway(namespace: namespace, name: name) }

    func validate() throws {
        guard name != "none" else { throw ValidationError("'none' is no name: it stands for having no waypoint") }
        let isName = [name, namespace].allSatisfy { text in
            !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
        }
        guard isName else { throw ValidationError("expected names of small letters, digits and '-'") }
        guard traffic.map({ ["service", "workload", "all", "none"].contains($0) }) ?? true else {
            throw ValidationError("expected --for service, workload, all or none")
        }
    }
}

/// One namespace, or all.
struct ScopeOptions: ParsableArguments {
    @Option(name: [.customShort("n"), .long], help: "Namespace to look in.")
    var namespace = "default"

    @Flag(name: [.customShort("A"), .long], help: "All namespaces.")
    var allNamespaces = false

    var wanted: String? { allNamespaces ? nil : namespace }
}
