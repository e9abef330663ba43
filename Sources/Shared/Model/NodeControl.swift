/// What `apus` asks of a daemon over its Unix socket: one line of tab-separated words, with the descriptor of a
/// network namespace beside it for `attach`.
package enum NodeRequest: Hashable, Sendable {
    /// The path is kept so that a restarted daemon finds the namespace again.
    case attach(PodKey, path: String)
    /// The answer comes when the pod is out, or after so many seconds, in which case it goes on being taken out.
    case detach(PodKey, timeoutSeconds: Int)
    case show(NodeView)
    /// A `ConnectionQuestion` as JSON without line breaks and tabs; the answer is a `ConnectionReport`. Asked of nodes.
    case explainConnection(String)
    /// A `RequestQuestion` likewise; the answer is a `RequestReport`. Asked of waypoints.
    case explainRequest(String)

    /// Longest line in bytes: that of a request with tokens among its headers. Without questions, a path (4,096), a
    /// pod's name and namespace (2 x 253) and the words around them.
    package static let lineBytesMax = 64 << 10

    /// How long `detach` waits for live connections unless told otherwise, in seconds.
    package static let detachTimeoutSeconds = 30
    /// Longest wait that can be asked for, in seconds: a day.
    package static let detachTimeoutSecondsMax = 86_400

    package init?(line: some StringProtocol) {
        let words = line.split(separator: "\t", omittingEmptySubsequences: false)
        switch (words.first, words.count) {
        case ("attach", 3):
            guard let pod = PodKey(words[1]) else { return nil }
            self = .attach(pod, path: String(words[2]))
        case ("detach", 3):
            guard let pod = PodKey(words[1]), let seconds = Int(words[2]),
                (0...Self.detachTimeoutSecondsMax).contains(seconds)
            else { return nil }
            self = .detach(pod, timeoutSeconds: seconds)
        case ("show", 2):
            guard let view = NodeView(rawValue: String(words[1])) else { return nil }
            self = .show(view)
        case ("explain-connection", 2): self = .explainConnection(String(words[1]))
        case ("explain-request", 2): self = .explainRequest(String(words[1]))
        default:
            return nil
        }
    }

    package var line: String {
        switch self {
        case .attach(let pod, let path): return "attach\t\(pod)\t\(path)"
        case .detach(let pod, let seconds): return "detach\t\(pod)\t\(seconds)"
        case .show(let view): return "show\t\(view.rawValue)"
        case .explainConnection(let question): return "explain-connection\t\(question)"
        case .explainRequest(let question): return "explain-request\t\(question)"
        }
    }
}

/// What can be looked at on a node.
package enum NodeView: String, Hashable, Sendable, CaseIterable {
    case status, workloads, services, policies, certificates, connections
    /// Everything, as JSON.
    case dump
}

/// The daemon's answer: a first line `ok` or `error`, then text for people (or JSON for `dump`).
package enum NodeReply: Hashable, Sendable {
    case done(String)
    case refused(String)

    package init?(text: some StringProtocol) {
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "ok": self = .done(String(parts[1]))
        case "error": self = .refused(String(parts[1]))
        default: return nil
        }
    }

    package var text: String {
        switch self {
        case .done(let body): return "ok\n\(body)"
        case .refused(let body): return "error\n\(body)"
        }
    }
}
