/// `NAMESPACE/NAME` of a pod.
package struct PodKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Exactly one slash, neither part empty.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(namespace: String(parts[0]), name: String(parts[1]))
    }

    package var description: String { "\(namespace)/\(name)" }

    package static func < (left: PodKey, right: PodKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// What the control plane wants of a pod that the resources place on this node.
package struct PodIntent: Hashable, Sendable {
    package var pod: PodKey
    package var serviceAccount: String
    /// The labels of pod and namespace ask for capture.
    package var captured: Bool
    /// Inbound connections stay as they are.
    package var bypassInbound: Bool
    /// Tells pods apart that have one name after each other; empty when the resource has none.
    package var uid: String

    package init(
        pod: PodKey, serviceAccount: String, captured: Bool, bypassInbound: Bool = false, uid: String = ""
    ) {
        self.pod = pod
        self.serviceAccount = serviceAccount
        self.captured = captured
        self.bypassInbound = bypassInbound
        self.uid = uid
    }
}

/// What the control plane wants of one node.
package struct NodeIntent: Hashable, Sendable {
    /// Every pod that the resources place on this node.
    package var pods: [PodIntent]
    /// Namespaces, in the whole cluster, that are labelled for capture or have a pod that is.
    package var capturedNamespaces: Set<String>

    package init(pods: [PodIntent], capturedNamespaces: Set<String> = []) {
        self.pods = pods
        self.capturedNamespaces = capturedNamespaces
    }
}

/// One sandbox of a pod, as the container runtime names it to CNI plugins. A pod gets a new one when the runtime
/// restarts it, and the end of the old one may be told after the start of the new one.
package struct PodSandbox: Hashable, Sendable {
    package var pod: PodKey
    /// Of the pod; empty when the runtime did not say it.
    package var uid: String
    /// CNI_CONTAINERID: letters, digits, `_`, `.` and `-`.
    package var container: String

    package init(pod: PodKey, uid: String, container: String) {
        self.pod = pod
        self.uid = uid
        self.container = container
    }
}

/// How far a pod is, as the node reports it.
package struct PodReport: Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable {
        case attached, enrolling, proven, leaving, failed
    }

    package var pod: PodKey
    package var phase: Phase
    /// Why, for people; empty when there is nothing to say.
    package var message: String

    package init(pod: PodKey, phase: Phase, message: String = "") {
        self.pod = pod
        self.phase = phase
        self.message = message
    }
}
