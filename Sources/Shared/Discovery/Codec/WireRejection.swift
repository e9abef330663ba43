package import MeshModel

/// Why a resource is refused; its text goes back to the control plane in a NACK. `field` is the wire's field name.
package enum WireRejection: Error, Hashable, Sendable {
    /// The bytes are no protobuf message of that type.
    case notDecodable(type: String)
    case unexpectedType(String)
    /// An `Address` with neither workload nor service.
    case noVariant
    case missing(field: String)
    case addressLength(field: String, byteCount: Int)
    case prefixLength(field: String, length: UInt32, bitCount: Int)
    /// An enum value that we do not know.
    case unknownValue(field: String, value: Int)
    case gatewayWithoutDestination(field: String)
    case serviceKey(String)
    case legacyTunnel
    case port(field: String, value: UInt32)
    /// A string match with none of exact, prefix, suffix, presence. Dropping it could widen a policy.
    case emptyStringMatch(field: String)
    /// A field of a policy that we do not know. Ignoring it could widen the policy.
    case unknownPolicyField(message: String)
    /// A field of a table of routes that we do not know. Ignoring it could send requests elsewhere.
    case unknownRouteField(message: String)
    /// A field of a policy of waypoints that we do not know. Ignoring it could widen the policy.
    case unknownWaypointPolicyField(message: String)
    /// A policy of waypoints that is longer than any.
    case policyLength(byteCount: Int, limit: Int)
    /// A word of an enumeration that we do not know.
    case unknownText(field: String, text: String)
    /// A value of a route that breaks the rules for its kind.
    case routeValue(field: String, RouteValueError)
    /// A value of a rule of traffic outside of its bounds.
    case trafficValue(TrafficValueError)
    /// The resource is named otherwise than its content.
    case nameMismatch(resource: String, content: String)
}

extension WireRejection: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notDecodable(let type):
            "expected an encoded \(type), found bytes that do not decode"
        case .unexpectedType(let type):
            "expected istio.workload.Address, istio.security.Authorization or one of apus.waypoint.v1,"
                + " found \(type)"
        case .noVariant:
            "expected a workload or a service, found an empty address"
        case .missing(let field):
            "\(field): expected a value, found none"
        case .addressLength(let field, let byteCount):
            "\(field): expected an address of 4 or 16 bytes, found \(byteCount)"
        case .prefixLength(let field, let length, let bitCount):
            "\(field): expected a prefix length of at most \(bitCount), found \(length)"
        case .unknownValue(let field, let value):
            "\(field): expected a known enum value, found \(value)"
        case .gatewayWithoutDestination(let field):
            "\(field): expected a gateway with hostname or address, found neither"
        case .serviceKey(let text):
            "services: expected NAMESPACE/HOSTNAME, found \(text)"
        case .legacyTunnel:
            "tunnel_protocol: expected NONE or HBONE, found LEGACY_ISTIO_MTLS"
        case .port(let field, let value):
            "\(field): expected a port of at most 65535, found \(value)"
        case .emptyStringMatch(let field):
            "\(field): expected exact, prefix, suffix or presence, found none of them"
        case .unknownPolicyField(let message):
            "\(message): expected only known fields, found another; this policy needs a newer node proxy"
        case .unknownRouteField(let message):
            "\(message): expected only known fields, found another; this table needs a newer waypoint"
        case .unknownWaypointPolicyField(let message):
            "\(message): expected only known fields, found another; this policy needs a newer waypoint"
        case .policyLength(let byteCount, let limit):
            "expected a policy of at most \(limit) bytes, found \(byteCount)"
        case .unknownText(let field, let text):
            "\(field): expected a known word, found \(text)"
        case .routeValue(let field, let error):
            "\(field): \(error)"
        case .trafficValue(let error):
            "\(error.field): \(error.reason)"
        case .nameMismatch(let resource, let content):
            "expected a resource named \(content), found the name \(resource)"
        }
    }
}
