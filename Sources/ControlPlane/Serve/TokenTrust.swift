package import ControlAuthority
package import MeshModel

/// What a reviewed token makes of its bearer. A token counts only together with the pod that it is bound to: the pod
/// must be known, be the very one of this uid, and run as the token's account. Pure.
package struct TokenTrust: Hashable, Sendable {
    /// Whose pods speak for their whole node (istiod's CA_TRUSTED_NODE_ACCOUNTS).
    package let nodeAccounts: Set<TokenHolder.Account>

    package init(nodeAccounts: Set<TokenHolder.Account>) { self.nodeAccounts = nodeAccounts }

    /// Who the bearer is, by the pods that are known now.
    package func holder(of token: ReviewedToken, in book: NodeBook) throws(TokenDistrust) -> TokenHolder {
        guard let bound = token.pod else { throw .notBound(token.account) }
        let key = PodKey(namespace: token.account.namespace, name: bound.name)
        guard let pod = book.pods[key] else { throw .unknownPod(key) }
        guard !pod.uid.isEmpty, pod.uid == bound.uid else {
            throw .otherPod(key, tokenUID: bound.uid, presentUID: pod.uid)
        }
        guard pod.serviceAccount == token.account.name else {
            throw .otherAccount(key, tokenAccount: token.account.name, presentAccount: pod.serviceAccount)
        }
        guard !pod.isOver else { throw .over(key) }
        if let node = token.node, !node.isEmpty, node != pod.node {
            throw .otherNode(key, tokenNode: node, presentNode: pod.node)
        }
        guard nodeAccounts.contains(token.account) else {
            return .pod(namespace: key.namespace, name: key.name, account: pod.serviceAccount)
        }
        guard !pod.node.isEmpty else { throw .otherNode(key, tokenNode: token.node ?? "", presentNode: "") }
        return .node(pod.node)
    }
}

/// Why a token that the API server accepts is not good enough. Says what was expected and found.
package enum TokenDistrust: Error, Hashable, Sendable, CustomStringConvertible {
    case notBound(TokenHolder.Account)
    /// Gone, or so new that it has not been read yet.
    case unknownPod(PodKey)
    /// A pod of the same name, but another life of it.
    case otherPod(PodKey, tokenUID: String, presentUID: String)
    case otherAccount(PodKey, tokenAccount: String, presentAccount: String)
    case otherNode(PodKey, tokenNode: String, presentNode: String)
    /// The pod has ended.
    case over(PodKey)

    package var description: String {
        switch self {
        case .notBound(let account):
            "expected a token bound to a pod of \(account.namespace)/\(account.name), found one bound to none"
        case .unknownPod(let pod):
            "the token is bound to pod \(pod), which is not known; a new pod is known within seconds: try again"
        case .otherPod(let pod, let token, let present):
            "the token is bound to pod \(pod) with uid \(token), found a pod of this name with uid \(present)"
        case .otherAccount(let pod, let token, let present):
            "the token is of service account \(token), found pod \(pod) running as \(present)"
        case .otherNode(let pod, let token, let present):
            "the token says that pod \(pod) is on node '\(token)', found it on node '\(present)'"
        case .over(let pod):
            "the token is bound to pod \(pod), which has ended"
        }
    }
}
