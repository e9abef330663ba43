import ArgumentParser
import ControlKubernetes

/// `apus waypoint ...`: Gateways in the directory that apusd reads, or of a cluster.
struct WaypointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waypoint",
        abstract: "Make, look at and remove the waypoints of a cluster, or of a directory of resources.",
        subcommands: [Apply.self, Generate.self, List.self, State.self, Delete.self])
}

extension WaypointCommand {
    /// Writes the Gateway; the namespace is labelled only when the waypoint takes traffic.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a waypoint's Gateway, and let the namespace use it once it takes traffic.")
        @OptionGroup var place: StoreOptions
        @OptionGroup var options: WaypointOptions

        @Flag(help: "Label the namespace istio.io/use-waypoint, after the waypoint has been programmed.")
        var enrollNamespace = false

        @Flag(help: "Replace the waypoint that the namespace uses now.")
        var overwrite = false

        @Flag(name: [.customShort("w"), .long], help: "Wait until the waypoint is programmed.")
        var wait = false

        @Option(help: "How long to wait, in seconds.")
        var waypointTimeout = 90

        func run() async throws { try await place.withStore { try await run($0) } }

        private func run(_ store: any WaypointStore) async throws {
            let (namespace, name) = (options.namespace, options.name)
            if enrollNamespace, let present = try await store.labels(of: namespace).waypoint, present != name,
                !overwrite
            {
                throw CommandFailure(
                    "apus waypoint: namespace \(namespace) uses waypoint \(present); --overwrite replaces it")
            }
            try await store.apply(options.gateway, for: options.traffic, revision: options.revision)
            print("waypoint \(namespace)/\(name) applied")
            guard wait || enrollNamespace else { return }
            // The order is the point: services that name a waypoint which is not ready are refused.
            try await store.waitUntilProgrammed(options.gateway, seconds: waypointTimeout)
            print("waypoint \(namespace)/\(name) is ready!")
            guard enrollNamespace else { return }
            try await store.enrol(namespace, in: name)
            print("namespace \(namespace) labelled with \"istio.io/use-waypoint: \(name)\"")
            if try await !store.labels(of: namespace).isAmbient {
                print("warning: the namespace is not ambient: label it istio.io/dataplane-mode=ambient")
            }
        }
    }

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a waypoint's Gateway.")
        @OptionGroup var options: WaypointOptions

        func run() {
            print(options.gateway.yaml(for: options.traffic, revision: options.revision), terminator: "")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The waypoints of a namespace, or of all.")
        @OptionGroup var place: StoreOptions
        @OptionGroup var scope: ScopeOptions

        func run() async throws {
            try await place.withStore { store in
                var rows = [["NAMESPACE", "NAME", "REVISION", "TRAFFIC TYPE", "PROGRAMMED"]]
                for entry in try await store.waypoints(in: scope.wanted) {
                    let isProgrammed = try await store.isProgrammed(entry.gateway)
                    rows.append([
                        entry.gateway.namespace, entry.gateway.name, entry.revision, entry.traffic,
                        isProgrammed ? "True" : "False",
                    ])
                }
                Table.show(rows)
            }
        }
    }

    struct State: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "What apusd says of each waypoint.")
        @OptionGroup var place: StoreOptions
        @OptionGroup var scope: ScopeOptions

        func run() async throws {
            try await place.withStore { store in
                var rows = [["NAMESPACE", "NAME", "STATUS", "TYPE", "REASON", "MESSAGE"]]
                for entry in try await store.waypoints(in: scope.wanted) {
                    for condition in try await store.conditions(of: entry.gateway) {
                        rows.append([
                            entry.gateway.namespace, entry.gateway.name, condition.status, condition.type,
                            condition.reason, condition.message,
                        ])
                    }
                }
                Table.show(rows)
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove waypoints: the namespace's label first, then the Gateway.",
            discussion: "Services that name the waypoint by a label of their own are refused afterwards, until the "
                + "label is gone as well.")
        @OptionGroup var place: StoreOptions
        @OptionGroup var scope: ScopeOptions

        @Argument(help: "Names of waypoints.")
        var names: [String] = []

        @Flag(help: "All waypoints of the namespace.")
        var all = false

        func validate() throws {
            guard all != !names.isEmpty else { throw ValidationError("expected names of waypoints, or --all") }
        }

        func run() async throws { try await place.withStore { try await run($0) } }

        private func run(_ store: any WaypointStore) async throws {
            let present = try await store.waypoints(in: scope.namespace).map(\.gateway)
            for name in names where !present.contains(where: { $0.name == name }) {
                throw CommandFailure("apus waypoint: no waypoint \(scope.namespace)/\(name) in \(store.title)")
            }
            for gateway in present where all || names.contains(gateway.name) {
                if try await store.labels(of: scope.namespace).waypoint == gateway.name {
                    try await store.enrol(scope.namespace, in: nil)
                }
                try await store.delete(gateway)
                print("waypoint \(gateway.namespace)/\(gateway.name) deleted")
            }
        }
    }
}
