package import MeshModel

/// What the `baggage` header says of a workload. Telemetry only; never an input to authorization.
package struct Baggage: Hashable, Sendable {
    package var clusterID = ""
    package var namespace = ""
    package var workloadName = ""
    package var canonicalName = ""
    package var canonicalRevision = ""
    package var region = ""
    package var zone = ""

    /// As discovery knows it.
    package init(describing workload: Workload) {
        self.clusterID = workload.clusterID
        self.namespace = workload.namespace
        self.workloadName = workload.workloadName
        self.canonicalName = workload.canonicalName
        self.canonicalRevision = workload.canonicalRevision
        self.region = workload.locality.region
        self.zone = workload.locality.zone
        self.workloadKind = workload.workloadType
    }

    private var workloadKind: WorkloadType = .pod

    /// Reads a header; unknown keys are skipped, a header that is not ASCII is treated as absent.
    package init?(parsing header: String) {
        guard header.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        for item in header.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[1].isEmpty else { continue }
            let value = String(parts[1])
            switch parts[0] {
            case "k8s.cluster.name": clusterID = value
            case "k8s.namespace.name": namespace = value
            case "k8s.deployment.name": (workloadName, workloadKind) = (value, .deployment)
            case "k8s.cronjob.name": (workloadName, workloadKind) = (value, .cronjob)
            case "k8s.pod.name": (workloadName, workloadKind) = (value, .pod)
            case "k8s.job.name": (workloadName, workloadKind) = (value, .job)
            case "service.name": canonicalName = value
            case "service.version": canonicalRevision = value
            case "cloud.region": region = value
            case "cloud.availability_zone": zone = value
            default: continue
            }
        }
    }

    /// The header's value: `key=value` pairs in the fixed order, empty ones left out.
    package var headerValue: String {
        let pairs: [(String, String)] = [
            ("k8s.cluster.name", clusterID),
            ("k8s.namespace.name", namespace),
            ("k8s.\(workloadKind.rawValue).name", workloadName),
            ("service.name", canonicalName),
            ("service.version", canonicalRevision),
            ("cloud.region", region),
            ("cloud.availability_zone", zone),
        ]
        return pairs.filter { !$0.1.isEmpty }.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
    }
}
