import ArgumentParser

/// The user's terminal: joins pods to the mesh and shows what a node does.
@main
struct Apus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Join pods to the mesh, make waypoints, look at what they do and ask why.",
        version: InstallValues.standardTag,
        subcommands: [
            Attach.self, Detach.self, Status.self, Workloads.self, Services.self, Policies.self, Certificates.self,
            Connections.self, Dump.self, WaypointCommand.self, Explain.self, Get.self, Install.self, Uninstall.self,
        ]
    )

    static func main() async {
        // An arrow is no option, though it begins as one.
        await main(CommandLine.arguments.dropFirst().filter { $0 != ExplainWords.arrow })
    }
}

/// Where the node daemon listens.
struct NodeOptions: ParsableArguments {
    @Option(help: "The node daemon's socket (or the environment variable APUS_SOCKET).")
    var socket: String?
}
