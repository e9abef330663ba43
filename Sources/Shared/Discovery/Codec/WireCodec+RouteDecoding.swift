package import MeshModel
package import MeshWire

import SwiftProtobuf

/// Routes from the wire. Whatever is not understood refuses the whole table: a rule more or less sends requests
/// elsewhere.
extension WireCodec {
    /// A table of routes with what it is for.
    package static func routes(_ message: Apus_Waypoint_V1_RouteTable) throws(WireRejection) -> AttachedRoutes {
        try known(message)
        guard message.hasTarget else { throw .missing(field: "target") }
        var http: [HTTPRouteRule] = []
        for rule in message.http { http.append(try self.rule(rule)) }
        var grpc: [GRPCRouteRule] = []
        for rule in message.grpc { grpc.append(try self.rule(rule)) }
        var tcp: [TCPRouteRule] = []
        for rule in message.tcp {
            try known(rule)
            tcp.append(TCPRouteRule(origin: try origin(rule.origin), backends: try backends(rule.backends)))
        }
        var tls: [TLSRouteRule] = []
        for rule in message.tls {
            try known(rule)
            let (origin, names) = (try origin(rule.origin), try hostnames(rule.hostnames))
            let backends = try backends(rule.backends)
            tls.append(
                try value("tls") { () throws(RouteValueError) in
                    try TLSRouteRule(origin: origin, hostnames: names, backends: backends)
                })
        }
        let table = RouteTable(target: try target(message.target), http: http, grpc: grpc, tcp: tcp, tls: tls)
        return AttachedRoutes(
            table, clientNamespace: message.clientNamespace.isEmpty ? nil : message.clientNamespace)
    }

    /// A message without fields of a newer control plane.
    static func known(_ message: some Message) throws(WireRejection) {
        guard message.unknownFields.data.isEmpty else {
            throw .unknownRouteField(message: type(of: message).protoMessageName)
        }
    }

    /// A value of the model that checks itself.
    static func value<Value>(
        _ field: String, _ make: () throws(RouteValueError) -> Value
    ) throws(WireRejection) -> Value {
        do throws(RouteValueError) {
            return try make()
        } catch {
            throw .routeValue(field: field, error)
        }
    }

    /// A value of an enumeration that travels as its text.
    static func value<Value: RawRepresentable>(
        _ field: String, _ text: Value.RawValue, _: Value.Type
    ) throws(WireRejection) -> Value {
        guard let value = Value(rawValue: text) else { throw .unknownText(field: field, text: "\(text)") }
        return value
    }

    static func target(_ message: Apus_Waypoint_V1_Target) throws(WireRejection) -> RouteTarget {
        try known(message)
        // The parts become resource names, where another slash would be another table's.
        guard let service = ServiceKey("\(message.namespace)/\(message.hostname)") else {
            throw .serviceKey("\(message.namespace)/\(message.hostname)")
        }
        guard let port = UInt16(exactly: message.port), port > 0 else {
            throw .port(field: "target.port", value: message.port)
        }
        return RouteTarget(service: service, port: port)
    }

    private static func rule(_ message: Apus_Waypoint_V1_HTTPRule) throws(WireRejection) -> HTTPRouteRule {
        try known(message)
        let (origin, names) = (try origin(message.origin), try hostnames(message.hostnames))
        var matches: [HTTPMatch] = []
        for match in message.matches { matches.append(try self.match(match)) }
        guard !matches.isEmpty else { throw .missing(field: "http.matches") }
        let behaviour = try behaviour(message.behaviour)
        return try value("http") { () throws(RouteValueError) in
            try HTTPRouteRule(origin: origin, hostnames: names, matches: matches, behaviour: behaviour)
        }
    }

    private static func rule(_ message: Apus_Waypoint_V1_GRPCRule) throws(WireRejection) -> GRPCRouteRule {
        try known(message)
        let (origin, names) = (try origin(message.origin), try hostnames(message.hostnames))
        var matches: [GRPCMatch] = []
        for match in message.matches { matches.append(try self.match(match)) }
        guard !matches.isEmpty else { throw .missing(field: "grpc.matches") }
        let behaviour = try behaviour(message.behaviour)
        return try value("grpc") { () throws(RouteValueError) in
            try GRPCRouteRule(origin: origin, hostnames: names, matches: matches, behaviour: behaviour)
        }
    }

    private static func origin(_ message: Apus_Waypoint_V1_Origin) throws(WireRejection) -> RouteOrigin {
        try known(message)
        return RouteOrigin(
            kind: try value("origin.kind", message.kind, RouteOrigin.Kind.self), namespace: message.namespace,
            name: message.name, ruleIndex: Int(message.ruleIndex),
            ruleName: message.hasRuleName ? message.ruleName : nil, createdSeconds: message.createdSeconds)
    }

    private static func hostnames(_ texts: [String]) throws(WireRejection) -> [RouteHostname] {
        var hostnames: [RouteHostname] = []
        for text in texts {
            hostnames.append(try value("hostnames") { () throws(RouteValueError) in try RouteHostname(text) })
        }
        return hostnames
    }

    private static func match(_ message: Apus_Waypoint_V1_HTTPMatch) throws(WireRejection) -> HTTPMatch {
        try known(message)
        let path: PathMatch
        switch message.path {
        case .exact(let text):
            path = .exact(try value("path.exact") { () throws(RouteValueError) in try RoutePath(text) })
        case .prefix(let text):
            path = .prefix(try value("path.prefix") { () throws(RouteValueError) in try RoutePath(text) })
        case .pattern(let text): path = .pattern(text)
        case nil: throw .missing(field: "path")
        }
        var parameters: [QueryMatch] = []
        for parameter in message.queryParameters {
            parameters.append(QueryMatch(parameter.name, try value(parameter)))
        }
        return HTTPMatch(
            path: path, method: message.hasMethod ? try value("method", message.method, HTTPMethod.self) : nil,
            headers: try headers(message.headers), queryParameters: parameters)
    }

    private static func match(_ message: Apus_Waypoint_V1_GRPCMatch) throws(WireRejection) -> GRPCMatch {
        try known(message)
        var call: GRPCMethodMatch?
        if !message.service.isEmpty || !message.method.isEmpty {
            call = try value("method") { () throws(RouteValueError) in
                message.isPattern
                    ? try GRPCMethodMatch(servicePattern: message.service, methodPattern: message.method)
                    : try GRPCMethodMatch(exactService: message.service, method: message.method)
            }
        }
        return GRPCMatch(method: call, headers: try headers(message.headers))
    }

    private static func headers(_ messages: [Apus_Waypoint_V1_NamedMatch]) throws(WireRejection) -> [HeaderMatch] {
        var headers: [HeaderMatch] = []
        for message in messages { headers.append(HeaderMatch(try headerName(message.name), try value(message))) }
        return headers
    }

    static func headerName(_ text: String) throws(WireRejection) -> HeaderName {
        try value("header") { () throws(RouteValueError) in try HeaderName(text) }
    }

    private static func value(_ message: Apus_Waypoint_V1_NamedMatch) throws(WireRejection) -> ValueMatch {
        try known(message)
        switch message.value {
        case .exact(let text): return .exact(text)
        case .pattern(let text): return .pattern(text)
        case nil: throw .missing(field: "value of \(message.name)")
        }
    }
}
