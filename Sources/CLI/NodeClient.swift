import Foundation
import MeshKernel
import MeshModel

/// Talks to the node daemon, or to a waypoint, over its Unix socket: one question, one answer.
struct NodeClient {
    /// Where the daemon listens unless told otherwise.
    static let defaultSocketPath = "/run/apus/ztunnel.sock"
    /// Longest silence of the daemon besides what the request waits for, in seconds.
    private static let answerTimeoutSeconds = 60
    /// Largest answer read: a dump of 10,000 workloads is some 10 MB.
    private static let answerBytesMax = 256 << 20

    private let path: String

    init(_ options: NodeOptions) {
        let environment = ProcessInfo.processInfo.environment["APUS_SOCKET"]
        self.path = options.socket ?? environment ?? Self.defaultSocketPath
    }

    init(path: String) { self.path = path }

    /// Asks for a text.
    /// Errors: `Unreachable` when nobody is there; `CommandFailure` with the reason of a refusal.
    func answer(to request: NodeRequest) throws -> String {
        switch try ask(request, with: nil, 0) {
        case .done(let text): return text
        case .refused(let reason): throw CommandFailure("apus: \(reason)")
        }
    }

    /// Asks, prints the answer; a refusal ends the command with status 1 and the reason on standard error.
    /// - Parameter waitingSeconds: how long the daemon itself may wait before it answers.
    func tell(_ request: NodeRequest, with namespace: NetworkNamespace? = nil, waitingSeconds: Int = 0) throws {
        let reply: NodeReply
        do {
            reply = try ask(request, with: namespace, waitingSeconds)
        } catch let failure as Unreachable {
            throw CommandFailure(failure.aboutNode)
        }
        switch reply {
        case .done(let text):
            print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
        case .refused(let reason):
            throw CommandFailure("apus: \(reason)")
        }
    }

    private func ask(
        _ request: NodeRequest, with namespace: NetworkNamespace?, _ waitingSeconds: Int
    ) throws -> NodeReply {
        let reply: NodeReply?
        do {
            reply = try UnixControl.ask(
                request, at: path, with: namespace, silenceSeconds: Self.answerTimeoutSeconds + waitingSeconds,
                answerBytesMax: Self.answerBytesMax)
        } catch {
            throw Unreachable(path: path, reason: "\(error)")
        }
        guard let reply else {
            throw CommandFailure("apus: expected an answer from the daemon, found something else")
        }
        return reply
    }
}

/// Nobody answers on a socket.
struct Unreachable: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "apus: cannot talk to the daemon at \(path): \(reason)" }

    /// For whoever asked a node.
    var aboutNode: String {
        "\(self)\nIs ztunnel running on this node? Another socket can be named with --socket or APUS_SOCKET."
    }
}

/// A failure with a message that is complete as it stands.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
