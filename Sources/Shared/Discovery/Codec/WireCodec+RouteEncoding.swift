package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Routes as they go over the wire.
extension WireCodec {
    /// A table of routes with what it is for.
    package static func message(_ routes: AttachedRoutes) -> Apus_Waypoint_V1_RouteTable {
        .with {
            $0.target = message(routes.table.target)
            $0.clientNamespace = routes.clientNamespace ?? ""
            $0.http = routes.table.http.map { rule in
                .with {
                    $0.origin = message(rule.origin)
                    $0.hostnames = rule.hostnames.map(text)
                    $0.matches = rule.matches.map(message)
                    $0.behaviour = message(rule.behaviour)
                }
            }
            $0.grpc = routes.table.grpc.map { rule in
                .with {
                    $0.origin = message(rule.origin)
                    $0.hostnames = rule.hostnames.map(text)
                    $0.matches = rule.matches.map(message)
                    $0.behaviour = message(rule.behaviour)
                }
            }
            $0.tcp = routes.table.tcp.map { message($0.origin, [], $0.backends) }
            $0.tls = routes.table.tls.map { message($0.origin, $0.hostnames, $0.backends) }
        }
    }

    private static func message(
        _ origin: RouteOrigin, _ hostnames: [RouteHostname], _ backends: [RouteBackend]
    ) -> Apus_Waypoint_V1_ConnectionRule {
        .with {
            $0.origin = message(origin)
            $0.hostnames = hostnames.map(text)
            $0.backends = backends.map(message)
        }
    }

    static func message(_ target: RouteTarget) -> Apus_Waypoint_V1_Target {
        .with {
            $0.namespace = target.service.namespace
            $0.hostname = target.service.hostname
            $0.port = UInt32(target.port)
        }
    }

    private static func message(_ origin: RouteOrigin) -> Apus_Waypoint_V1_Origin {
        .with {
            $0.kind = origin.kind.rawValue
            $0.namespace = origin.namespace
            $0.name = origin.name
            $0.ruleIndex = UInt32(clamping: origin.ruleIndex)
            if let name = origin.ruleName { $0.ruleName = name }
            $0.createdSeconds = origin.createdSeconds
        }
    }

    private static func text(_ hostname: RouteHostname) -> String {
        switch hostname {
        case .exact(let name): name.text
        case .wildcard(let name): "*.\(name.text)"
        }
    }

    private static func message(_ match: HTTPMatch) -> Apus_Waypoint_V1_HTTPMatch {
        .with {
            switch match.path {
            case .exact(let path): $0.exact = path.text
            case .prefix(let path): $0.prefix = path.text
            case .pattern(let text): $0.pattern = text
            }
            if let method = match.method { $0.method = method.rawValue }
            $0.headers = match.headers.map { message($0.name.text, $0.value) }
            $0.queryParameters = match.queryParameters.map { message($0.name, $0.value) }
        }
    }

    private static func message(_ match: GRPCMatch) -> Apus_Waypoint_V1_GRPCMatch {
        .with {
            if let service = match.method?.service { ($0.service, $0.isPattern) = parts(service) }
            if let method = match.method?.method { ($0.method, $0.isPattern) = parts(method) }
            $0.headers = match.headers.map { message($0.name.text, $0.value) }
        }
    }

    private static func parts(_ value: ValueMatch) -> (String, isPattern: Bool) {
        switch value {
        case .exact(let text): (text, false)
        case .pattern(let text): (text, true)
        }
    }

    private static func message(_ name: String, _ value: ValueMatch) -> Apus_Waypoint_V1_NamedMatch {
        .with {
            $0.name = name
            switch value {
            case .exact(let text): $0.exact = text
            case .pattern(let text): $0.pattern = text
            }
        }
    }
}
