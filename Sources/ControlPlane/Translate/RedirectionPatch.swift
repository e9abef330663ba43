package import MeshModel

/// A change of the annotation `ambient.istio.io/redirection`, so that it says what is proven: `enabled`, or nothing
/// (istio.io, "Resource Annotations"; the CNI agent of Istio takes it away as well when a pod leaves the mesh).
package struct RedirectionPatch: Hashable, Sendable {
    /// Name of the annotation.
    package static let annotation = Annotation.redirection
    /// What it says of a pod that is captured.
    static let enabledText = "enabled"

    package let pod: PodKey
    /// The pod that is meant: another one of its name is left alone.
    package let uid: String
    package let isEnabled: Bool

    /// What the annotation should be; `nil`: it should not be there.
    package var value: String? { isEnabled ? Self.enabledText : nil }

    /// The changes that pods need, by pod. Left alone are pods that have ended or are about to, those on their node's
    /// network, and those of nodes that have not reported: who has not been heard of may have proven them long ago.
    /// None where the annotation is taken as proof: somebody else writes it then.
    package static func needed(by pods: [PodResource], _ settings: TranslateSettings) -> [RedirectionPatch] {
        guard !settings.trustsRedirectionAnnotation, !settings.heardNodes.isEmpty else { return [] }
        return pods.compactMap { pod in
            let isEnabled = settings.proven.contains(pod.key)
            let written = pod.metadata.annotations[Annotation.redirection]
            guard isEnabled ? written != enabledText : written != nil, settings.heardNodes.contains(pod.nodeName),
                PodTranslation.isLive(pod), !pod.metadata.isBeingDeleted, !pod.hostNetwork
            else { return nil }
            return RedirectionPatch(pod: pod.key, uid: pod.metadata.uid, isEnabled: isEnabled)
        }.sorted { $0.pod < $1.pod }
    }
}
