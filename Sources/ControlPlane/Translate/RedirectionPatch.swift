package import MeshModel

/// A change of the annotation `ambient.istio.io/redirection`, so that it says what is proven: `enabled`, or nothing.
package struct RedirectionPatch: Hashable, Sendable {
    package let pod: PodKey
    /// The pod that is meant: another one of its name is left alone.
    package let uid: String
    package let isEnabled: Bool

    /// The changes that pods need, by pod. Pods that have ended or are on their node's network are left alone.
    package static func needed(by pods: [PodResource], proven: Set<PodKey>) -> [RedirectionPatch] {
        pods.filter { PodTranslation.isLive($0) && !$0.hostNetwork }.compactMap { pod in
            let isEnabled = proven.contains(pod.key)
            let written = pod.metadata.annotations[Annotation.redirection]
            guard isEnabled ? written != enabledText : written != nil else { return nil }
            return RedirectionPatch(pod: pod.key, uid: pod.metadata.uid, isEnabled: isEnabled)
        }.sorted { $0.pod < $1.pod }
    }

    private static let enabledText = "enabled"

    /// A merge patch (RFC 7396) of the pod. With the uid in it, the server refuses it for another pod of that name.
    package var body: JSONValue {
        var metadata: [String: JSONValue] = [
            "annotations": .object([Annotation.redirection: isEnabled ? .string(Self.enabledText) : .null])
        ]
        if !uid.isEmpty { metadata["uid"] = .string(uid) }
        return .object(["metadata": .object(metadata)])
    }
}
