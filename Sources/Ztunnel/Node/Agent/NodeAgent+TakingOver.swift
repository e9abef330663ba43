package import MeshKernel
package import MeshModel

/// Pods of which Istio's node agent makes the rules and tells us by its own socket.
extension NodeAgent {
    /// The agent waits 5 s for each answer.
    private static let wait = EnrolmentWait(seconds: 4, otherwise: .refuse)

    /// Opens the doors of a pod and proves that its rules lead to them. What fails is tried again by itself.
    package func takeOver(_ pod: AgentPod, _ namespace: NetworkNamespace) async -> NodeReply {
        guard namespace.identity != home.identity else {
            return .refused("the namespace of \(pod.pod) is the node's own")
        }
        let deadline = ContinuousClock.now + .seconds(Self.wait.seconds)
        let sandbox = PodSandbox(pod: pod.pod, uid: pod.uid, container: "")
        if let refusal = await place(sandbox, namespace, path: "\(namespace.identity)") { return refusal }
        return await proof(of: sandbox, namespace, Self.wait, before: deadline)
    }

    /// Closes the doors of a pod; its rules are gone already. One that is not here is no error.
    package func giveBack(uid: String) async {
        for (pod, sandbox) in sandboxes where sandbox.uid == uid { await discard(pod) }
    }

    /// Closes the doors of every other pod.
    package func retain(uids: Set<String>) async {
        for (pod, sandbox) in sandboxes where !uids.contains(sandbox.uid) { await discard(pod) }
    }
}
