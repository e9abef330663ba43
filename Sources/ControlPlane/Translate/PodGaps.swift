import MeshModel

/// Finds what a running pod lacks to take part in the mesh, and addresses that two pods claim.
struct PodGaps {
    private(set) var findings: [Finding] = []
    private var owners: [IPAddress: PodResource] = [:]

    mutating func check(_ pod: PodResource, isWanted: Bool) {
        // A pending pod gets node and address in a moment.
        if pod.phase != .pending {
            if pod.addresses.isEmpty {
                report(pod, "has no status.podIPs; nobody reaches it through the mesh. Add its addresses there")
            }
            if isWanted, pod.nodeName.isEmpty {
                report(pod, "has no spec.nodeName; no node captures it. Add the node it runs on")
            }
        }
        guard !pod.hostNetwork else { return }
        for address in pod.addresses {
            guard let other = owners[address] else {
                owners[address] = pod
                continue
            }
            if other.key != pod.key {
                report(pod, "address \(address) is also that of \(other.title) (\(other.metadata.origin))")
            }
        }
    }

    private mutating func report(_ pod: PodResource, _ message: String) {
        findings.append(Finding(.warning, pod.metadata.origin, resource: pod.title, message))
    }
}
