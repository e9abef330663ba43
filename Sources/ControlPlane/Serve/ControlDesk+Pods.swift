import ControlTranslate
import MeshModel

/// What the desk takes down of pods.
extension ControlDesk {
    /// What bound tokens are held against.
    static func pods(_ resources: ResourceSet) -> [PodKey: NodeBook.Pod] {
        var pods: [PodKey: NodeBook.Pod] = [:]
        pods.reserveCapacity(resources.pods.count)
        for pod in resources.pods {
            pods[pod.key] = NodeBook.Pod(
                uid: pod.metadata.uid, serviceAccount: pod.serviceAccount, node: pod.nodeName,
                isOver: pod.phase == .succeeded || pod.phase == .failed)
        }
        return pods
    }

    /// Where each pod is, and which life of it.
    static func placements(_ resources: ResourceSet) -> [PodKey: EnrolmentLedger.Placement] {
        var placements: [PodKey: EnrolmentLedger.Placement] = [:]
        for pod in resources.pods where !pod.nodeName.isEmpty {
            let key = PodKey(namespace: pod.metadata.namespace, name: pod.metadata.name)
            let addresses = pod.addresses.sorted().map(\.description).joined(separator: ",")
            // Files are written by people: no white space may get into the line of the enrolment file.
            let uid = pod.metadata.uid.filter { !$0.isWhitespace }
            placements[key] = EnrolmentLedger.Placement(
                node: pod.nodeName, life: "\(uid)|\(addresses)|\(pod.serviceAccount)".filter { !$0.isWhitespace })
        }
        return placements
    }
}
