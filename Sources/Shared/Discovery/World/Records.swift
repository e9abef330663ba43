package import MeshModel

/// A workload that many indexes share: one object, however often it is found.
final class WorkloadRecord: Sendable {
    let workload: Workload

    init(_ workload: Workload) { self.workload = workload }

    /// Who wins when several workloads claim one address: a pod in the mesh, a pod, one in the mesh, any other. As
    /// Istio's ztunnel (src/state).
    var addressRank: Int {
        let isPod = workload.uid.contains("//Pod/")
        let isInMesh = workload.tunnel == .hbone
        return (isPod ? 2 : 0) + (isInMesh ? 1 : 0) + (isPod && isInMesh ? 1 : 0)
    }
}

extension WorkloadRecord: Equatable {
    static func == (left: WorkloadRecord, right: WorkloadRecord) -> Bool { left.workload == right.workload }
}

/// A service that many indexes share.
final class ServiceRecord: Sendable {
    let service: Service

    init(_ service: Service) { self.service = service }

    func isVisible(from clientNamespace: String) -> Bool {
        service.visibility == .everyone || service.namespace == clientNamespace
    }
}

extension ServiceRecord: Equatable {
    static func == (left: ServiceRecord, right: ServiceRecord) -> Bool { left.service == right.service }
}

/// A workload as one service's endpoint, with the ports it gives that service.
package struct Endpoint: Equatable, Sendable {
    let record: WorkloadRecord
    /// The workload's own mapping for this service; may be empty.
    package let ports: [ServicePort]

    package var workload: Workload { record.workload }
    /// The workload's; without a copy of all of it.
    package var uid: String { record.workload.uid }

    /// The port that the workload itself names for a port of the service.
    func mappedPort(for servicePort: UInt16) -> UInt16? {
        ports.first { $0.servicePort == servicePort }?.targetPort
    }

    func isAdmitted(by policy: LoadBalancing.HealthPolicy) -> Bool {
        policy == .allowAll || record.workload.status == .healthy
    }
}
