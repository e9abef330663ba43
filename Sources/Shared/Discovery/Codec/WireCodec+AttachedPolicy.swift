package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Policies of waypoints. Whatever is not understood refuses the whole policy: a dropped part would let more through.
extension WireCodec {
    /// Bytes of one policy. Resources of Kubernetes are smaller than 2 MiB; aliases of trust domains make them longer.
    package static let policyBytesMax = 8 << 20

    /// A policy with what it is for.
    package static func attachedPolicy(
        _ message: Apus_Waypoint_V1_AttachedPolicy
    ) throws(WireRejection) -> AttachedPolicy {
        try knownPart(message)
        let bindings = try bindings(message.bindings)
        switch message.policy {
        case .request(let policy): return AttachedPolicy(try requestPolicy(policy), bindings: bindings)
        case .token(let policy): return AttachedPolicy(try tokenPolicy(policy), bindings: bindings)
        case nil: throw .missing(field: "policy")
        }
    }

    package static func message(_ attached: AttachedPolicy) -> Apus_Waypoint_V1_AttachedPolicy {
        .with {
            $0.bindings = attached.bindings.map(message)
            switch attached.policy {
            case .request(let policy): $0.request = message(policy)
            case .token(let policy): $0.token = message(policy)
            }
        }
    }

    /// What can still be read of a policy that was refused. Unless all its bindings can be, it holds everywhere: it
    /// must be missed wherever it might have denied.
    package static func refusedAttachedPolicy(
        _ resource: Envoy_Service_Discovery_V3_Resource
    ) -> RefusedAttachedPolicy {
        guard resource.resource.value.count <= policyBytesMax,
            resource.resource.typeURL == ResourceType.attachedPolicies.url,
            let message = try? Apus_Waypoint_V1_AttachedPolicy(serializedBytes: resource.resource.value),
            message.unknownFields.data.isEmpty, !message.bindings.isEmpty
        else { return RefusedAttachedPolicy(name: resource.name, bindings: nil) }
        return RefusedAttachedPolicy(name: resource.name, bindings: try? bindings(message.bindings))
    }

    /// A message without fields of a newer control plane.
    static func knownPart(_ message: some Message) throws(WireRejection) {
        guard message.unknownFields.data.isEmpty else {
            throw .unknownWaypointPolicyField(message: type(of: message).protoMessageName)
        }
    }

    /// Namespace and name of a resource. They become resource names, where another slash would be another policy's.
    static func parts(
        _ message: Apus_Waypoint_V1_ResourceName, field: String
    ) throws(WireRejection) -> (namespace: String, name: String) {
        try knownPart(message)
        guard ServiceKey("\(message.namespace)/\(message.name)") != nil else { throw .missing(field: field) }
        return (message.namespace, message.name)
    }

    static func message(namespace: String, name: String) -> Apus_Waypoint_V1_ResourceName {
        .with {
            $0.namespace = namespace
            $0.name = name
        }
    }

    private static func bindings(
        _ messages: [Apus_Waypoint_V1_PolicyBinding]
    ) throws(WireRejection) -> [PolicyBinding] {
        var bindings: [PolicyBinding] = []
        bindings.reserveCapacity(messages.count)
        for message in messages {
            try knownPart(message)
            switch message.subject {
            case .service(let name):
                try knownPart(name)
                guard let key = ServiceKey("\(name.namespace)/\(name.hostname)") else {
                    throw .serviceKey("\(name.namespace)/\(name.hostname)")
                }
                bindings.append(.service(key))
            case .waypoint(let message):
                let parts = try parts(message, field: "bindings.waypoint")
                bindings.append(.waypoint(WaypointKey(namespace: parts.namespace, name: parts.name)))
            case .waypointNamespace(let namespace):
                guard !namespace.isEmpty else { throw .missing(field: "bindings.waypoint_namespace") }
                bindings.append(.waypoints(namespace: namespace))
            case nil: throw .missing(field: "bindings.subject")
            }
        }
        return bindings
    }

    private static func message(_ binding: PolicyBinding) -> Apus_Waypoint_V1_PolicyBinding {
        .with {
            switch binding {
            case .service(let key):
                $0.service = .with {
                    $0.namespace = key.namespace
                    $0.hostname = key.hostname
                }
            case .waypoint(let key): $0.waypoint = message(namespace: key.namespace, name: key.name)
            case .waypoints(let namespace): $0.waypointNamespace = namespace
            }
        }
    }
}
