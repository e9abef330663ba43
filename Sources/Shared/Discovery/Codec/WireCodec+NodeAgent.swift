package import MeshModel

import MeshWire
import SwiftProtobuf

/// Packets between Istio's node agent and this node's proxy.
extension WireCodec {
    /// The first packet that the proxy sends.
    package static var agentHello: [UInt8] {
        bytes(of: Istio_Workload_Zds_ZdsHello.with { $0.version = .v1 })
    }

    /// The answer to a request; an empty error means that it was done.
    package static func agentAcknowledgement(error: String) -> [UInt8] {
        bytes(of: Istio_Workload_Zds_WorkloadResponse.with { $0.ack = .with { $0.error = error } })
    }

    /// One request of the agent.
    package static func agentRequest(_ bytes: [UInt8]) throws(WireRejection) -> AgentRequest {
        let request: Istio_Workload_Zds_WorkloadRequest
        do {
            request = try Istio_Workload_Zds_WorkloadRequest(serializedBytes: bytes)
        } catch {
            throw .notDecodable(type: Istio_Workload_Zds_WorkloadRequest.protoMessageName)
        }
        switch request.payload {
        case .add(let add):
            guard add.hasWorkloadInfo else { throw .missing(field: "workload_info") }
            let info = add.workloadInfo
            guard let pod = PodKey("\(info.namespace)/\(info.name)") else { throw .missing(field: "name, namespace") }
            return .add(AgentPod(uid: try uid(add.uid), pod: pod, serviceAccount: info.serviceAccount))
        case .keep(let keep): return .keep(uid: try uid(keep.uid))
        case .del(let delete): return .delete(uid: try uid(delete.uid))
        case .snapshotSent: return .snapshotSent
        case nil: throw .missing(field: "payload")
        }
    }

    private static func uid(_ text: String) throws(WireRejection) -> String {
        guard !text.isEmpty else { throw .missing(field: "uid") }
        return text
    }

    /// These messages have no required fields, so encoding cannot fail.
    private static func bytes(of message: some SwiftProtobuf.Message) -> [UInt8] {
        (try? message.serializedBytes()) ?? []
    }
}
