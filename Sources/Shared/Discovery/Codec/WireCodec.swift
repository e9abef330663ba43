package import MeshModel
package import MeshWire
package import SwiftProtobuf

import FoundationEssentials

/// Turns messages of the wire into values of the model and back. The only place where both are known.
///
/// Sources: the comments of workload.proto and authorization.proto. What cannot be understood is refused with a reason,
/// never dropped or guessed.
package enum WireCodec {
    /// The resource types of discovery.
    package enum ResourceType: String, CaseIterable, Hashable, Sendable {
        case address = "type.googleapis.com/istio.workload.Address"
        case authorization = "type.googleapis.com/istio.security.Authorization"
        /// Ours; asked for by waypoints only.
        case routes = "type.googleapis.com/apus.waypoint.v1.RouteTable"
        /// Ours; asked for by waypoints only.
        case attachedPolicies = "type.googleapis.com/apus.waypoint.v1.AttachedPolicy"
        /// Ours; asked for by waypoints only.
        case traffic = "type.googleapis.com/apus.waypoint.v1.TrafficRules"

        package var url: String { rawValue }
    }

    /// A resource ready to be served: its name, a version that depends on nothing but the content, and the content.
    package struct EncodedResource: Hashable, Sendable {
        package let name: String
        package let version: String
        package let type: ResourceType
        package let body: Google_Protobuf_Any

        /// As it stands in a response.
        package var message: Envoy_Service_Discovery_V3_Resource {
            .with {
                $0.name = name
                $0.version = version
                $0.resource = body
            }
        }
    }

    /// A decoded resource.
    package enum DecodedResource: Hashable, Sendable {
        case workload(Workload)
        case service(Service)
        case policy(AuthorizationPolicy)
        case routes(AttachedRoutes)
        case attachedPolicy(AttachedPolicy)
        case traffic(TrafficRules)
    }

    /// The name of a workload in discovery: its uid.
    package static func resourceName(_ workload: Workload) -> String { workload.uid }

    /// The name of a service in discovery: `NAMESPACE/HOSTNAME`.
    package static func resourceName(_ service: Service) -> String { service.key.description }

    /// The name of a policy in discovery: `NAMESPACE/NAME`.
    package static func resourceName(_ policy: AuthorizationPolicy) -> String { policy.key }

    /// The name of a table of routes in discovery: `NAMESPACE/HOSTNAME/PORT`, with `/CLIENT-NAMESPACE` behind it for
    /// the clients of one namespace.
    package static func resourceName(_ routes: AttachedRoutes) -> String { routes.scope.description }

    /// The name of a policy of waypoints in discovery: `KIND/NAMESPACE/NAME`.
    package static func resourceName(_ policy: AttachedPolicy) -> String { policy.name.description }

    /// The name of rules of traffic in discovery: `NAMESPACE/HOSTNAME`, with `/PROXY-NAMESPACE` behind it for the
    /// waypoints of one namespace.
    package static func resourceName(_ rules: TrafficRules) -> String { rules.scope.description }

    package static func encode(_ workload: Workload) -> EncodedResource {
        let address = Istio_Workload_Address.with { $0.workload = message(workload) }
        return pack(address, name: resourceName(workload), type: .address)
    }

    package static func encode(_ service: Service) -> EncodedResource {
        let address = Istio_Workload_Address.with { $0.service = message(service) }
        return pack(address, name: resourceName(service), type: .address)
    }

    package static func encode(_ policy: AuthorizationPolicy) -> EncodedResource {
        pack(message(policy), name: resourceName(policy), type: .authorization)
    }

    package static func encode(_ routes: AttachedRoutes) -> EncodedResource {
        pack(message(routes), name: resourceName(routes), type: .routes)
    }

    package static func encode(_ policy: AttachedPolicy) -> EncodedResource {
        pack(message(policy), name: resourceName(policy), type: .attachedPolicies)
    }

    package static func encode(_ rules: TrafficRules) -> EncodedResource {
        pack(message(rules), name: resourceName(rules), type: .traffic)
    }

    /// Decodes the content of a resource by its type URL.
    package static func decode(_ body: Google_Protobuf_Any) throws(WireRejection) -> DecodedResource {
        guard let type = ResourceType(rawValue: body.typeURL) else { throw .unexpectedType(body.typeURL) }
        switch type {
        case .address:
            return try decode(try unpack(Istio_Workload_Address.self, body))
        case .authorization:
            return .policy(try policy(try unpack(Istio_Security_Authorization.self, body)))
        case .routes:
            return .routes(try routes(try unpack(Apus_Waypoint_V1_RouteTable.self, body)))
        case .attachedPolicies:
            guard body.value.count <= policyBytesMax else {
                throw .policyLength(byteCount: body.value.count, limit: policyBytesMax)
            }
            return .attachedPolicy(try attachedPolicy(try unpack(Apus_Waypoint_V1_AttachedPolicy.self, body)))
        case .traffic:
            return .traffic(try traffic(try unpack(Apus_Waypoint_V1_TrafficRules.self, body)))
        }
    }

    /// Decodes one address resource.
    package static func decode(_ address: Istio_Workload_Address) throws(WireRejection) -> DecodedResource {
        switch address.type {
        case .workload(let message): return .workload(try workload(message))
        case .service(let message): return .service(try service(message))
        case nil: throw .noVariant
        }
    }

    private static func pack(_ message: some Message, name: String, type: ResourceType) -> EncodedResource {
        var options = BinaryEncodingOptions()
        // The version is a hash of these bytes, so equal content must give equal bytes in every process.
        options.useDeterministicOrdering = true
        // Encoding fails only for required fields and for messages over 2 GiB; neither exists here.
        let bytes: Data = (try? message.serializedBytes(options: options)) ?? Data()
        let body = Google_Protobuf_Any.with {
            $0.typeURL = type.url
            $0.value = bytes
        }
        return EncodedResource(name: name, version: ContentHash.version(of: bytes), type: type, body: body)
    }

    private static func unpack<Content: Message>(
        _: Content.Type, _ body: Google_Protobuf_Any
    ) throws(WireRejection) -> Content {
        do {
            return try Content(serializedBytes: body.value)
        } catch {
            throw .notDecodable(type: Content.protoMessageName)
        }
    }
}
