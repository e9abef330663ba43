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
        placements.reserveCapacity(resources.pods.count)
        for pod in resources.pods where !pod.nodeName.isEmpty {
            let key = PodKey(namespace: pod.metadata.namespace, name: pod.metadata.name)
            let addresses = pod.addresses.sorted().map(\.description).joined(separator: ",")
            placements[key] = EnrolmentLedger.Placement(
                node: pod.nodeName, life: word("\(pod.metadata.uid)|\(addresses)|\(pod.serviceAccount)"))
        }
        return placements
    }

    /// Files are written by people: no white space may get into the line of the enrolment file. That there is none is
    /// seen by bytes, because every change of a pod looks at all of them.
    private static func word(_ text: String) -> String {
        text.utf8.allSatisfy { (0x21...0x7e).contains($0) } ? text : text.filter { !$0.isWhitespace }
    }
}
