import ArgumentParser
import MeshModel

/// Commands that print one view of the node.
protocol ViewCommand: ParsableCommand {
    static var view: NodeView { get }
    var node: NodeOptions { get }
}

extension ViewCommand {
    func run() throws {
        try NodeClient(node).tell(.show(Self.view))
    }
}

struct Status: ViewCommand {
    static let configuration = CommandConfiguration(
        abstract: "The node and its pods: who is in the mesh, who is not, why."
    )
    static let view = NodeView.status
    @OptionGroup var node: NodeOptions
}

struct Workloads: ViewCommand {
    static let configuration = CommandConfiguration(abstract: "Workloads that the node knows.")
    static let view = NodeView.workloads
    @OptionGroup var node: NodeOptions
}

struct Services: ViewCommand {
    static let configuration = CommandConfiguration(abstract: "Services that the node knows, with their endpoints.")
    static let view = NodeView.services
    @OptionGroup var node: NodeOptions
}

struct Policies: ViewCommand {
    static let configuration = CommandConfiguration(abstract: "Authorization policies that the node enforces.")
    static let view = NodeView.policies
    @OptionGroup var node: NodeOptions
}

struct Certificates: ViewCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs", abstract: "Certificates that the node holds for its pods."
    )
    static let view = NodeView.certificates
    @OptionGroup var node: NodeOptions
}

struct Connections: ViewCommand {
    static let configuration = CommandConfiguration(abstract: "Connections that are open now.")
    static let view = NodeView.connections
    @OptionGroup var node: NodeOptions
}

struct Dump: ViewCommand {
    static let configuration = CommandConfiguration(abstract: "Everything the node knows, as JSON.")
    static let view = NodeView.dump
    @OptionGroup var node: NodeOptions
}
