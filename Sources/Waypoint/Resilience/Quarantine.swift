package import MeshModel

/// Who is sent to workloads in quarantine. Nobody else is, not even while nothing else is left.
package struct Quarantine: Hashable, Sendable {
    package let workloads: Set<String>
    package let callers: Set<Identity>

    /// Nobody.
    package init() {
        workloads = []
        callers = []
    }

    package init(_ rules: TrafficRules) {
        workloads = rules.quarantined
        callers = rules.limits.quarantineCallers
    }

    /// There is nobody in it.
    package var isEmpty: Bool { workloads.isEmpty }

    /// Whether the caller is for the endpoints in quarantine: one of the named, as long as there is such an endpoint.
    package func isMeant(_ caller: Identity?, where isThere: (String) -> Bool) -> Bool {
        guard !isEmpty, let caller, callers.contains(caller) else { return false }
        return workloads.contains(where: isThere)
    }

    /// Whether a workload may be chosen: those in quarantine for whom ``isMeant(_:where:)`` said so, all others for
    /// everybody else.
    package func admits(_ uid: String, isMeant: Bool) -> Bool { workloads.contains(uid) == isMeant }
}
