import MeshModel

/// The chains and rules of the table for given wishes: the one place that says what is captured. Pure.
///
/// The rules do what those of Istio's CNI agent do (cni/pkg/nftables). Each has a name such as N3, which its comment in
/// the kernel's table begins with. Unlike Istio's, redirects look at a connection's first packet only, so that
/// connections older than the rules live on.
struct CapturePlan: Hashable, Sendable {
    static let tableName = "apus"

    let chains: [CaptureChain]

    /// On the node itself: its own processes, of which the kubelet is one, reach these pods from an address that no
    /// client can have, and rule N2 of the pod lets that pass. What the node only forwards keeps its source. HBONE does
    /// too: who speaks it is known by its certificate.
    init(probesTo pods: Set<IPAddress>, from sources: [IPAddress]) {
        let rules = pods.sorted().compactMap { pod in
            sources.first { $0.family == pod.family }.map { CaptureRule.probeOfNode(to: pod, from: $0) }
        }
        chains = [CaptureChain(name: "postrouting", kind: .nat, hook: .postrouting, priority: 100, rules: rules)]
    }

    init(_ rules: CaptureRules) {
        let families: [IPAddress.Family] = rules.ipv6 ? [.v4, .v6] : [.v4]
        var natPrerouting: [CaptureRule] = []
        var natOutput: [CaptureRule] = []
        if rules.keeperOnly {
            natOutput = [.replyOfProxiedConnection, .keeper]
        } else {
            if rules.captureInbound {
                natPrerouting += rules.probeSources(in: families).map(CaptureRule.probe(from:))
                natPrerouting += families.map(CaptureRule.inbound)
            }
            natOutput += rules.probeSources(in: families).map(CaptureRule.replyToProbe(_:))
            natOutput.append(.replyOfProxiedConnection)
            natOutput += families.map(CaptureRule.callToOneself)
            natOutput += families.map(CaptureRule.outbound)
        }
        chains = [
            CaptureChain(name: "prerouting", kind: .nat, hook: .prerouting, priority: -100, rules: natPrerouting),
            CaptureChain(name: "output", kind: .nat, hook: .output, priority: -100, rules: natOutput),
            CaptureChain(
                name: "mangle-prerouting", kind: .filter, hook: .prerouting, priority: -150,
                rules: [.rememberProxyConnection]),
            // Of type route: only there a new mark leads to a new route.
            CaptureChain(
                name: "mangle-output", kind: .route, hook: .output, priority: -150, rules: [.steerReplyToProxy]),
        ]
    }
}

/// A base chain.
struct CaptureChain: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case nat, filter, route
    }

    enum Hook: UInt32, Hashable, Sendable {
        case prerouting = 0
        case output = 3
        case postrouting = 4
    }

    var name: String
    var kind: Kind
    var hook: Hook
    var priority: Int32
    var rules: [CaptureRule]
}

/// One rule and why it is there (its comment in `nft list ruleset`).
struct CaptureRule: Hashable, Sendable {
    var comment: String
    var expressions: [RuleExpression]
}

extension CaptureRules {
    /// Sorted, so that the same wishes in another order are the same rules.
    fileprivate func probeSources(in families: [IPAddress.Family]) -> [IPAddress] {
        Set(probeSources).sorted().filter { families.contains($0.family) }
    }
}
