import ArgumentParser
import Foundation

/// `apus waypoint ...`: Gateways in the directory that apusd reads.
struct WaypointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waypoint",
        abstract: "Make, look at and remove the waypoints of a directory of resources.",
        subcommands: [Apply.self, Generate.self, List.self, State.self, Delete.self])
}

/// Where apusd reads and writes.
struct FolderOptions: ParsableArguments {
    @Option(help: "The directory that apusd reads (its --resources).")
    var resources: String

    @Option(help: "The directory that apusd writes statuses to (its --status).")
    var status: String?

    var folder: ResourceFolder { ResourceFolder(path: resources) }

    func statusPath() throws -> String {
        guard let status else { throw ValidationError("expected --status DIR, where apusd says what became of it") }
        return status
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

extension WaypointCommand {
    /// Writes the Gateway; the namespace is labelled only when the waypoint takes traffic.
    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a waypoint's Gateway, and let the namespace use it once it takes traffic.")
        @OptionGroup var folders: FolderOptions
        @OptionGroup var options: WaypointOptions

        @Flag(help: "Label the namespace istio.io/use-waypoint, after the waypoint has been programmed.")
        var enrollNamespace = false

        @Flag(help: "Replace the waypoint that the namespace uses now.")
        var overwrite = false

        @Flag(name: [.customShort("w"), .long], help: "Wait until the waypoint is programmed.")
        var wait = false

        @Option(help: "How long to wait, in seconds.")
        var waypointTimeout = 90

        func run() throws {
            let gateway = options.gateway
            let enrolment = NamespaceEnrolment(folder: folders.folder, namespace: options.namespace)
            if enrollNamespace, let present = try enrolment.waypoint(), present != options.name, !overwrite {
                throw CommandFailure(
                    "apus waypoint: namespace \(options.namespace) uses waypoint \(present); --overwrite replaces it")
            }
            try folders.folder.write(gateway.file, [gateway.yaml(for: options.traffic)])
            print("waypoint \(options.namespace)/\(options.name) applied")
            guard wait || enrollNamespace else { return }
            // The order is the point: services that name a waypoint which is not ready are refused.
            try gateway.waitUntilProgrammed(in: folders.statusPath(), seconds: waypointTimeout)
            print("waypoint \(options.namespace)/\(options.name) is ready!")
            guard enrollNamespace else { return }
            try enrolment.set(options.name)
            print("namespace \(options.namespace) labelled with \"istio.io/use-waypoint: \(options.name)\"")
            if try !enrolment.isAmbient() {
                print("warning: the namespace is not ambient: label it istio.io/dataplane-mode=ambient")
            }
        }
    }

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a waypoint's Gateway.")
        @OptionGroup var options: WaypointOptions

        func run() { print(options.gateway.yaml(for: options.traffic), terminator: "") }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The waypoints of a namespace, or of all.")
        @OptionGroup var folders: FolderOptions
        @OptionGroup var scope: ScopeOptions

        func run() throws {
            var rows = [["NAMESPACE", "NAME", "TRAFFIC TYPE", "PROGRAMMED"]]
            let status = try folders.statusPath()
            for entry in try WaypointGateway.all(in: folders.folder, namespace: scope.wanted) {
                rows.append([
                    entry.gateway.namespace, entry.gateway.name, entry.traffic,
                    entry.gateway.isProgrammed(in: status) ? "True" : "False",
                ])
            }
            Table.show(rows)
        }
    }

    struct State: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "What apusd says of each waypoint.")
        @OptionGroup var folders: FolderOptions
        @OptionGroup var scope: ScopeOptions

        func run() throws {
            var rows = [["NAMESPACE", "NAME", "STATUS", "TYPE", "REASON", "MESSAGE"]]
            let status = try folders.statusPath()
            for (gateway, _, _) in try WaypointGateway.all(in: folders.folder, namespace: scope.wanted) {
                for condition in gateway.conditions(in: status) {
                    rows.append([
                        gateway.namespace, gateway.name, condition.status, condition.type, condition.reason,
                        condition.message,
                    ])
                }
            }
            Table.show(rows)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove waypoints: the namespace's label first, then the Gateway.",
            discussion: "Services that name the waypoint by a label of their own are refused afterwards, until the "
                + "label is gone as well.")
        @OptionGroup var folders: FolderOptions
        @OptionGroup var scope: ScopeOptions

        @Argument(help: "Names of waypoints.")
        var names: [String] = []

        @Flag(help: "All waypoints of the namespace.")
        var all = false

        func validate() throws {
            guard all != !names.isEmpty else { throw ValidationError("expected names of waypoints, or --all") }
        }

        func run() throws {
            let present = try WaypointGateway.all(in: folders.folder, namespace: scope.namespace)
            for name in names where !present.contains(where: { $0.gateway.name == name }) {
                throw CommandFailure("apus waypoint: no waypoint \(scope.namespace)/\(name) in \(folders.resources)")
            }
            let enrolment = NamespaceEnrolment(folder: folders.folder, namespace: scope.namespace)
            for gateway in present.map(\.gateway) where all || names.contains(gateway.name) {
                if try enrolment.waypoint() == gateway.name { try enrolment.set(nil) }
                // Looked up anew: what was removed before may have moved it within its file.
                let documents = try WaypointGateway.all(in: folders.folder, namespace: scope.namespace)
                guard let found = documents.first(where: { $0.gateway.name == gateway.name }) else { continue }
                try folders.folder.remove(found.document)
                print("waypoint \(gateway.namespace)/\(gateway.name) deleted")
            }
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
