import ControlTranslate

extension ControlMetrics {
    /// Counts what is served now.
    func count(_ desired: DesiredWorld, _ resources: ResourceSet, provenPods: Int) {
        set(.resources, resources.count)
        set(.workloads, desired.workloads.count)
        set(.services, desired.services.count)
        set(.policies, desired.policies.count)
        set(.routes, desired.routes.count)
        set(.attachedPolicies, desired.attachedPolicies.count)
        set(.traffic, desired.traffic.count)
        set(.provenPods, provenPods)
        set(.findingErrors, desired.findings.count { $0.severity == .error })
        set(.findingWarnings, desired.findings.count { $0.severity == .warning })
    }
}
