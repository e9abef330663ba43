/// A pod that Istio's node agent hands to a node's proxy, with its rules in place.
package struct AgentPod: Hashable, Sendable {
    package var uid: String
    package var pod: PodKey
    package var serviceAccount: String

    package init(uid: String, pod: PodKey, serviceAccount: String) {
        self.uid = uid
        self.pod = pod
        self.serviceAccount = serviceAccount
    }
}

/// What Istio's node agent asks of a node's proxy (ZDS), one request after the other, each acknowledged.
package enum AgentRequest: Hashable, Sendable {
    case add(AgentPod)
    /// A pod of which the agent has no namespace: it stays if it is here.
    case keep(uid: String)
    case delete(uid: String)
    /// Everything has been named once; what was not is gone.
    case snapshotSent
}
