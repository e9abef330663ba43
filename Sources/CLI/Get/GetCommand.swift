import ArgumentParser
import Foundation

/// `apus get KIND [NAME]`
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show resources of a directory, with what apusd says of them.",
        discussion: """
            KIND is routes, policies, gateways, waypoints, services or workloads. Conditions are read from --status, \
            where apusd writes them; without it their columns show <unknown>.
            """)

    @Argument(help: "routes, policies, gateways, waypoints, services or workloads.")
    var kind: GetKind

    @Argument(help: "Only the resource of this name.")
    var name: String?

    @OptionGroup var folders: FolderOptions
    @OptionGroup var scope: ScopeOptions

    @Option(name: [.customShort("o"), .long], help: "table, wide, yaml or json.")
    var output = Output.table

    enum Output: String, ExpressibleByArgument, CaseIterable { case table, wide, yaml, json }

    func run() throws {
        let statuses = StatusFolder(path: folders.status)
        let found = try Self.found(kind, named: name, in: scope.wanted, of: folders.folder, statuses)
        if let name, found.isEmpty {
            throw CommandFailure("apus get: no \(kind.singular) \(name) in \(place)")
        }
        switch output {
        case .table, .wide:
            guard !found.isEmpty else {
                FileHandle.standardError.write(Data("no \(kind.rawValue) in \(place)\n".utf8))
                return
            }
            print(Table.lines(kind.rows(found, isWide: output == .wide)).joined(separator: "\n"))
        case .yaml: print(try GetText.yaml(found), terminator: "")
        case .json: print(try GetText.json(found, isOne: name != nil))
        }
    }

    private var place: String {
        let namespace = scope.allNamespaces ? "any namespace" : "namespace \(scope.namespace)"
        return "\(namespace) of \(folders.resources)"
    }

    /// By namespace, kind and name.
    static func found(
        _ kind: GetKind, named name: String?, in namespace: String?, of folder: ResourceFolder, _ statuses: StatusFolder
    ) throws -> [ShownResource] {
        try kind.resourceKinds.flatMap { resourceKind in
            try folder.documents(kind: resourceKind).compactMap { document in
                let resource = ShownResource(document, statuses)
                guard kind.includes(resource), namespace == nil || namespace == resource.namespace,
                    name == nil || name == resource.name
                else { return nil }
                return resource
            }
        }.sorted { ($0.namespace, $0.kind, $0.name) < ($1.namespace, $1.kind, $1.name) }
    }
}

extension GetKind: ExpressibleByArgument {
    /// As a user of kubectl may write it too.
    init?(argument: String) {
        let text = argument.lowercased()
        guard let kind = Self.allCases.first(where: { $0.names.contains(text) }) else { return nil }
        self = kind
    }
}
