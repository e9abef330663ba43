import ArgumentParser
import Foundation

/// The control plane: reads resources from a directory or an API server, tells nodes what they mean, issues
/// certificates.
@main
struct Apusd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apusd",
        abstract: "Serves discovery, enrolment and certificates to the nodes of a mesh.")

    @OptionGroup var options: ApusdOptions

    func run() async throws {
        do {
            try await ApusdProcess(ApusdSettings(options)).run()
        } catch {
            // One line that says what to do, instead of a dump of types.
            FileHandle.standardError.write(Data("apusd cannot run: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}

/// What can be given on the command line, as text.
struct ApusdOptions: ParsableArguments {
    @Option(help: "Directory of resources: the YAML that a cluster would take.")
    var resources: String?

    @Flag(help: "Read the resources from a Kubernetes API server instead of a directory.")
    var kubernetes = false

    @Option(help: "File that says how to reach the API server; else KUBECONFIG, the pod's own cluster, ~/.kube/config.")
    var kubeconfig: String?

    @Option(help: "Context of the kubeconfig; its current one unless given.")
    var context: String?

    @Option(help: "Directory for the authority's key, node tokens and enrolment; made if it is not there.")
    var state: String

    @Option(help: "IP:PORT of the TLS port; may be given several times.")
    var listen: [String] = ["0.0.0.0:15012"]

    @Option(help: "IP:PORT of readiness, metrics and debug pages.")
    var admin = "127.0.0.1:15014"

    @Option(help: "Lifetime of workload certificates, such as 24h or 10s: the default and the upper bound.")
    var certificateLifetime = "24h"

    @Option(help: "Trust domain of the identities.")
    var trustDomain = "cluster.local"

    @Option(help: "Name of this cluster in workload uids.")
    var clusterId = "Kubernetes"

    @Option(help: "Namespace whose policies hold for the whole mesh.")
    var rootNamespace = "istio-system"

    @Option(help: "DNS name or IP address by which nodes reach the TLS port; may be given several times.")
    var serverName: [String] = []

    @Option(help: "File of lines 'NODE TOKEN' instead of generated tokens; mode 600.")
    var nodeTokens: String?

    @OptionGroup var trust: TrustOptions

    @Option(
        help: "Directory for files that say what became of routes, Gateways and services; outside of the resources.")
    var status: String?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "With --kubernetes: write the statuses of Gateways, routes, policies and services to the API server.",
            discussion: "And to pods the annotation ambient.istio.io/redirection: enabled when captured."))
    var writeStatus = true

    @Flag(help: "Run a waypoint for each Gateway of a waypoint class, in a network namespace of its own. Needs root.")
    var waypoints = false

    @Option(
        help: ArgumentHelp(
            "With --kubernetes: make a Deployment of this image for each Gateway of a waypoint class.",
            valueName: "image"))
    var waypointImage: String?

    @Option(help: "URL by which the waypoints' pods reach discovery and certificates.")
    var waypointControlPlane: String?

    @Option(help: "IPv4 block of the waypoints' addresses; other nodes must have a route to it.")
    var waypointAddresses = "10.254.0.0/24"

    @Option(help: "Bridge of this node that waypoints are joined to; without it, each gets a route of its own.")
    var waypointBridge: String?

    @Option(help: "The bridge's own address: the waypoints' way out.")
    var waypointGateway: String?

    @Option(help: "Path of the waypoint program; the one beside apusd unless it is given.")
    var waypointBinary: String?

    @Option(help: "How long requests may go on when a waypoint leaves, such as 5s.")
    var waypointDrain = "5s"

    @Option(help: "A setting of each waypoint, as NAME=VALUE; may be given several times. See 'waypoint --help'.")
    var waypointEnv: [String] = []

    @Flag(help: "Pass by a waypoint that is not ready, instead of refusing connections to services that name it.")
    var bypassUnreadyWaypoints = false

    @Flag(help: "Ask for a ReferenceGrant where a route names a back end of another namespace.")
    var requireReferenceGrants = false

    @Option(help: "text or json.")
    var logFormat = "text"

    @Option(help: "error, warn, info, debug or trace; also for single targets: info,serve=debug.")
    var logLevel = "info"

    @Flag(
        inversion: .prefixedNo,
        help: "Start serving only when every file could be read once: else a broken file's policies would be missing.")
    var waitForReadableFiles = true

    @Flag(help: "Take the annotation ambient.istio.io/redirection=enabled as proof of enrolment (istio-cni nodes).")
    var trustRedirectionAnnotation = false
}
