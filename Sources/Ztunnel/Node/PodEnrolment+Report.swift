package import MeshModel

extension PodEnrolment {
    /// What the control plane and people are told.
    package var phase: PodReport.Phase {
        switch stage {
        case .idle: return isReportedProven ? .proven : .attached
        case .opening, .installing, .proving: return isReportedProven ? .proven : .enrolling
        case .proven: return .proven
        case .withdrawing, .draining, .removing: return .leaving
        case .failed: return .failed
        }
    }

    package var message: String {
        guard case .failed(let reason) = stage else { return "" }
        return reason
    }
}
