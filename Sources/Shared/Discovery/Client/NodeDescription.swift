package import MeshWire

import SwiftProtobuf

/// Who we are to the discovery server: `Node` of the xDS API, filled in as istiod expects it.
package struct NodeDescription: Hashable, Sendable {
    /// What we are, the first word of the id: `ztunnel` or `waypoint`.
    package var kind = "ztunnel"
    package var podName: String
    package var podNamespace: String
    package var instanceIP: String
    /// The server sends this node's workloads unasked; local look-ups need it too.
    package var nodeName: String
    /// Further metadata, e.g. from `ISTIO_META_*`.
    package var metadata: [String: String]

    package init(
        podName: String, podNamespace: String, instanceIP: String = "", nodeName: String,
        metadata: [String: String] = [:]
    ) {
        self.podName = podName
        self.podNamespace = podNamespace
        self.instanceIP = instanceIP
        self.nodeName = nodeName
        self.metadata = metadata
    }

    /// `KIND~IP~NAME.NAMESPACE~NAMESPACE.svc.cluster.local`.
    package var id: String {
        let ip = instanceIP.isEmpty ? "1.1.1.1" : instanceIP
        return "\(kind)~\(ip)~\(podName).\(podNamespace)~\(podNamespace).svc.cluster.local"
    }

    package var message: Envoy_Service_Discovery_V3_Node {
        var fields = metadata
        fields["NAME"] = podName
        fields["NAMESPACE"] = podNamespace
        fields["INSTANCE_IPS"] = instanceIP.isEmpty ? "1.1.1.1" : instanceIP
        fields["NODE_NAME"] = nodeName
        return .with {
            $0.id = id
            $0.metadata = Google_Protobuf_Struct(fields: fields.mapValues { Google_Protobuf_Value(stringValue: $0) })
        }
    }
}

extension DeltaRequest {
    /// As it goes over the wire.
    package func message(from node: NodeDescription) -> Envoy_Service_Discovery_V3_DeltaDiscoveryRequest {
        .with {
            $0.typeURL = typeURL
            $0.responseNonce = nonce
            $0.initialResourceVersions = initialVersions
            if isInitial { $0.node = node.message }
            if let errorMessage { $0.errorDetail.message = errorMessage }
        }
    }
}
