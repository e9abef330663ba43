package import MeshModel

/// One connection to Istio's node agent: what each request means at its place. Pure.
package struct AgentSession: Hashable, Sendable {
    /// What is to be done before the request is acknowledged.
    package enum Step: Hashable, Sendable {
        case start(AgentPod)
        case stop(uid: String)
        /// Only these are left on the node.
        case retain(uids: Set<String>)
        case nothing
        /// The other end breaks the rules: it is told so, and a new connection begins anew.
        case reject(reason: String)
    }

    /// Named so far; `nil` when the snapshot is complete.
    private var named: Set<String>? = []

    package init() {}

    package var isComplete: Bool { named == nil }

    /// - Parameter hasNamespace: a network namespace came along.
    package mutating func receive(_ request: AgentRequest, hasNamespace: Bool) -> Step {
        if case .add(let pod) = request {
            guard hasNamespace else { return .reject(reason: "add of \(pod.pod) without a network namespace") }
            named?.insert(pod.uid)
            return .start(pod)
        }
        guard !hasNamespace else { return .reject(reason: "a network namespace with a request that is no add") }
        switch request {
        case .add: return .nothing
        case .keep(let uid):
            guard named != nil else { return .reject(reason: "keep after the snapshot") }
            named?.insert(uid)
            return .nothing
        case .delete(let uid):
            guard named == nil else {
                // What runs under this uid goes with the end of the snapshot.
                named?.remove(uid)
                return .nothing
            }
            return .stop(uid: uid)
        case .snapshotSent:
            guard let uids = named else { return .reject(reason: "a second end of the snapshot") }
            named = nil
            return .retain(uids: uids)
        }
    }
}
