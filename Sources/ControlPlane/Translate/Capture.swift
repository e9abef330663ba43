import MeshModel

/// Decides which pods a node captures by the labels and exclusions of Istio's CNI agent.
struct Capture {
    let settings: TranslateSettings
    /// Labels of each namespace.
    let namespaceLabels: [String: [String: String]]

    /// Whether labels of pod and namespace ask for capture and no hard exclusion forbids it.
    func isWanted(_ pod: PodResource) -> Bool {
        guard !isExcluded(pod) else { return false }
        switch pod.metadata.labels[Label.dataplaneMode] {
        case "ambient": return true
        case "none": return false
        default: return namespaceLabels[pod.metadata.namespace]?[Label.dataplaneMode] == "ambient"
        }
    }

    /// Namespaces whose label asks for capture and that are not excluded.
    var labelledNamespaces: Set<String> {
        Set(namespaceLabels.filter { $0.value[Label.dataplaneMode] == "ambient" }.keys)
            .subtracting(settings.excludedNamespaces)
    }

    private func isExcluded(_ pod: PodResource) -> Bool {
        let namespace = pod.metadata.namespace
        return pod.hostNetwork || settings.excludedNamespaces.contains(namespace)
            || pod.metadata.annotations[Annotation.sidecarStatus] != nil
            // The node's own proxy: capturing it would send its tunnels into itself.
            || (namespace == settings.rootNamespace && pod.metadata.labels[Label.app] == "ztunnel")
    }

    /// What the pod's node should do with it.
    func intent(for pod: PodResource, _ findings: inout [Finding]) -> PodIntent {
        let mode = pod.metadata.labels[Label.dataplaneMode]
        if let mode, mode != "ambient", mode != "none" {
            let message =
                "label \(Label.dataplaneMode): expected ambient or none, found \"\(mode)\";"
                + " the namespace's label decides"
            findings.append(Finding(.warning, pod.metadata.origin, resource: pod.title, message))
        }
        var bypassInbound = false
        if let text = pod.metadata.annotations[Annotation.bypassInboundCapture] {
            if let value = boolean(text) {
                bypassInbound = value
            } else {
                let message =
                    "annotation \(Annotation.bypassInboundCapture): expected true or false, found \"\(text)\";"
                    + " inbound connections are captured"
                findings.append(Finding(.warning, pod.metadata.origin, resource: pod.title, message))
            }
        }
        return PodIntent(
            pod: pod.key, serviceAccount: pod.serviceAccount, captured: isWanted(pod), bypassInbound: bypassInbound,
            uid: pod.metadata.annotations[Annotation.mirror] ?? pod.metadata.uid)
    }
}
