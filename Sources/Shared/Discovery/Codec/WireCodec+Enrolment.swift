package import MeshModel
package import MeshWire

import SwiftProtobuf

/// What a node and its control plane say about enrolment.
extension WireCodec {
    /// A pod that the control plane places here.
    package static func intent(_ message: Apus_Node_V1_PodIntent) throws(WireRejection) -> PodIntent {
        PodIntent(
            pod: try pod(message.namespace, message.name),
            serviceAccount: message.serviceAccount.isEmpty ? "default" : message.serviceAccount,
            captured: message.captured, bypassInbound: message.bypassInbound, uid: message.uid)
    }

    package static func message(_ intent: PodIntent) -> Apus_Node_V1_PodIntent {
        .with {
            $0.namespace = intent.pod.namespace
            $0.name = intent.pod.name
            $0.serviceAccount = intent.serviceAccount
            $0.captured = intent.captured
            $0.bypassInbound = intent.bypassInbound
            $0.uid = intent.uid
        }
    }

    package static func message(_ intent: NodeIntent) -> Apus_Node_V1_NodeIntent {
        .with {
            $0.pods = intent.pods.map { message($0) }
            $0.capturedNamespaces = intent.capturedNamespaces.sorted()
        }
    }

    package static func report(_ message: Apus_Node_V1_PodReport) throws(WireRejection) -> PodReport {
        let phase: PodReport.Phase
        switch message.phase {
        case .attached: phase = .attached
        case .enrolling: phase = .enrolling
        case .proven: phase = .proven
        case .leaving: phase = .leaving
        case .failed: phase = .failed
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "phase", value: raw)
        }
        return PodReport(pod: try pod(message.namespace, message.name), phase: phase, message: message.message)
    }

    package static func message(_ report: PodReport) -> Apus_Node_V1_PodReport {
        .with {
            $0.namespace = report.pod.namespace
            $0.name = report.pod.name
            switch report.phase {
            case .attached: $0.phase = .attached
            case .enrolling: $0.phase = .enrolling
            case .proven: $0.phase = .proven
            case .leaving: $0.phase = .leaving
            case .failed: $0.phase = .failed
            }
            $0.message = report.message
        }
    }

    private static func pod(_ namespace: String, _ name: String) throws(WireRejection) -> PodKey {
        guard !namespace.isEmpty else { throw .missing(field: "namespace") }
        guard !name.isEmpty else { throw .missing(field: "name") }
        return PodKey(namespace: namespace, name: name)
    }
}
