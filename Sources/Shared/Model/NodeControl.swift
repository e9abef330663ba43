/// What `apus` asks of a daemon over its Unix socket: one line of tab-separated words, with the descriptor of a
/// network namespace beside it for `attach`.
package enum NodeRequest: Hashable, Sendable {
    /// The path is kept so that a restarted daemon finds the namespace again.
    case attach(PodKey, path: String)
    /// The answer comes when the pod is out, or after so many seconds, in which case it goes on being taken out.
    case detach(PodKey, timeoutSeconds: Int)
    /// A new sandbox, its namespace beside it. The answer comes when the pod is captured and that is proven, when it is
    /// not to be captured, or after so many seconds.
    case enrol(PodSandbox, EnrolmentWait, path: String)
    /// A sandbox has ended. One that is not attached, or not any more, is no error.
    case release(PodSandbox)
    /// Whether a sandbox is as enrolment left it.
    case check(PodSandbox)
    /// These sandboxes are all that there are: what others left behind is taken out.
    case retain(containers: Set<String>)
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
        case ("enrol", 7):
            guard let sandbox = PodSandbox(words[1...3]), let wait = EnrolmentWait(words[4], words[5]) else {
                return nil
            }
            self = .enrol(sandbox, wait, path: String(words[6]))
        case ("release", 4):
            guard let sandbox = PodSandbox(words[1...3]) else { return nil }
            self = .release(sandbox)
        case ("check", 4):
            guard let sandbox = PodSandbox(words[1...3]) else { return nil }
            self = .check(sandbox)
        case ("retain", 2):
            let containers = String(words[1]).split(separator: ",").map { String($0) }
            guard containers.allSatisfy({ PodSandbox.isContainer($0) }) else { return nil }
            self = .retain(containers: Set(containers))
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
        case .enrol(let sandbox, let wait, let path):
            return "enrol\t\(sandbox.words)\t\(wait.seconds)\t\(wait.otherwise.rawValue)\t\(path)"
        case .release(let sandbox): return "release\t\(sandbox.words)"
        case .check(let sandbox): return "check\t\(sandbox.words)"
        case .retain(let containers): return "retain\t\(containers.sorted().joined(separator: ","))"
        case .show(let view): return "show\t\(view.rawValue)"
        case .explainConnection(let question): return "explain-connection\t\(question)"
        case .explainRequest(let question): return "explain-request\t\(question)"
        }
    }
}

/// How long the start of a pod waits for its enrolment.
package struct EnrolmentWait: Hashable, Sendable {
    /// What happens to a pod of which nobody says in time whether it is wanted.
    package enum Otherwise: String, Hashable, Sendable {
        case refuse, pass
    }

    /// Longest wait that can be asked for, in seconds: container runtimes give a sandbox a few minutes.
    package static let secondsMax = 120

    package var seconds: Int
    package var otherwise: Otherwise

    package init(seconds: Int, otherwise: Otherwise) {
        self.seconds = seconds
        self.otherwise = otherwise
    }
}

extension EnrolmentWait {
    init?(_ seconds: some StringProtocol, _ otherwise: some StringProtocol) {
        guard let seconds = Int(seconds), (1...Self.secondsMax).contains(seconds),
            let otherwise = Otherwise(rawValue: String(otherwise))
        else { return nil }
        self.init(seconds: seconds, otherwise: otherwise)
    }
}

extension PodSandbox {
    /// CNI_CONTAINERID as the CNI specification 1.0 has it (section 2): letters, digits, `_`, `.` and `-`, the first
    /// of them a letter or a digit.
    package static func isContainer(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, first.isLetterOrDigit else { return false }
        return text.utf8.allSatisfy { $0.isLetterOrDigit || "_.-".utf8.contains($0) }
    }

    /// Pod, uid and container.
    init?(_ words: ArraySlice<some StringProtocol>) {
        let words = Array(words)
        guard words.count == 3, let pod = PodKey(words[0]), Self.isContainer(words[2]) else { return nil }
        self.init(pod: pod, uid: String(words[1]), container: String(words[2]))
    }

    var words: String { "\(pod)\t\(uid)\t\(container)" }
}

extension UInt8 {
    /// Of ASCII.
    fileprivate var isLetterOrDigit: Bool {
        (48...57).contains(self) || (65...90).contains(self) || (97...122).contains(self)
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
