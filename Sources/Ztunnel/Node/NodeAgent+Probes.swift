internal import Logging
internal import MeshKernel
internal import MeshModel

extension NodeAgent {
    /// The node is as it was.
    func closeToProbes() throws {
        try probes?.remove()
        probes = nil
    }

    /// Lets the node's own processes, of which the kubelet is one, reach every pod that has rules of ours or is about
    /// to get them: a probe that comes too early for the rules does no harm.
    func openToProbes(_ statuses: [PodStatus]) {
        guard let probes else { return }
        var addresses: Set<IPAddress> = []
        for status in statuses where status.report.phase != .attached {
            guard let driver = drivers[status.report.pod] else { continue }
            addresses.formUnion((try? InterfaceAddress.all(in: driver.namespace))?.map(\.address) ?? [])
        }
        do {
            try probes.install(addresses)
            probeFailure = ""
        } catch {
            // Each change of a pod tries again; one line for the same reason is enough.
            guard probeFailure != "\(error)" else { return }
            probeFailure = "\(error)"
            logger.error("probes of the kubelet are captured; pods may seem not to be ready",
                metadata: ["error": "\(error)"])
        }
    }
}
