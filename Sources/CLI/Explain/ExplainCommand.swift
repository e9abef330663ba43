import ArgumentParser
import Foundation
import MeshModel

/// `apus explain FROM TO [METHOD PATH]`
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what the mesh does with a connection or a request, and why.",
        usage: "apus explain FROM TO[:PORT] [METHOD PATH] [--header NAME=VALUE] [-o text|json]",
        discussion: """
            FROM is NAMESPACE/POD, NAMESPACE/APP or an address, TO is NAMESPACE/SERVICE, NAMESPACE/POD, a hostname or \
            an address. Between them may stand '->', in quotes.

            The node daemon is asked about the connection and the running waypoint about the request, so that the \
            answer is what they enforce at this moment. Where one of them cannot be asked, the answer comes from the \
            resources in --resources, and says so. Nothing is sent to the destination.

            Exit status: 0 when the caller gets through, 1 when it is refused, 2 when there is no answer.
            """)

    @Argument(help: "FROM TO[:PORT], and of a request METHOD PATH.")
    var words: [String]

    @Option(name: [.customShort("H"), .long], help: "A header field of the request, as NAME=VALUE; several times.")
    var header: [String] = []

    @Option(help: "The host that the request names; that of the service unless given.")
    var host: String?

    @Option(help: "File of claims as JSON, taken as those of a valid token.")
    var claims: String?

    @Option(name: [.customShort("o"), .long], help: "text or json.")
    var output = Output.text

    @OptionGroup var node: NodeOptions
    @OptionGroup var mesh: MeshOptions

    enum Output: String, ExpressibleByArgument { case text, json }

    /// No answer, whatever the reason.
    private static let noAnswer: Int32 = 2

    func run() throws {
        let explanation: Explanation
        do {
            explanation = try Inquiry(words: ExplainWords(words), node: node, mesh: mesh).explanation(detail)
            switch output {
            case .text: print(explanation.text)
            case .json: print(try explanation.json())
            }
        } catch let error as ValidationError {
            throw error
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(Self.noAnswer)
        }
        guard explanation.isAllowed else { throw ExitCode.failure }
    }

    /// What the options add to a request.
    private func detail(_ question: inout RequestQuestion) throws {
        question.host = host
        question.headers = try header.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("expected a header as NAME=VALUE, found '\(text)'")
            }
            return RequestQuestion.Field(String(parts[0]), String(parts[1]))
        }
        question.claims = try claims.map { path in
            do {
                return try String(contentsOfFile: path, encoding: .utf8)
            } catch {
                throw CommandFailure("apus explain: the claims in \(path) cannot be read")
            }
        }
    }
}

/// Where answers come from besides the node daemon.
struct MeshOptions: ParsableArguments {
    @Option(help: "The state directory of apusd, where the sockets of its waypoints are.")
    var state = "/var/lib/apus"

    @Option(help: "The socket of the waypoint (its APUS_SOCKET), if apusd does not run it.")
    var waypointSocket: String?

    @Option(help: "The directory that apusd reads: it answers where a daemon does not.")
    var resources: String?

    @Flag(help: "Ask no daemon: answer from --resources.")
    var offline = false

    @Option(help: "Trust domain of the mesh, for answers from --resources.")
    var trustDomain = "cluster.local"

    @Option(help: "Namespace whose policies hold for the whole mesh, for answers from --resources.")
    var rootNamespace = "istio-system"

    /// Where a waypoint, `NAMESPACE/NAME`, is asked.
    func socket(of waypoint: String) -> String {
        waypointSocket ?? "\(state)/waypoints/\(waypoint.replacing("/", with: ".")).sock"
    }

    func validate() throws {
        guard !offline || resources != nil else { throw ValidationError("expected --resources DIR with --offline") }
    }
}
