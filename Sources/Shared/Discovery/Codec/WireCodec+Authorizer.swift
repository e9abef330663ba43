import MeshModel
import MeshWire
import SwiftProtobuf

/// Authorizers of CUSTOM policies as they go over the wire.
extension WireCodec {
    static func message(_ authorizer: Authorizer) -> Apus_Waypoint_V1_Authorizer {
        .with {
            $0.service = .with {
                $0.namespace = authorizer.target.service.namespace
                $0.hostname = authorizer.target.service.hostname
            }
            $0.port = UInt32(authorizer.target.port)
            switch authorizer.transport {
            case .grpc(let sent): $0.grpc = .with { if let patterns = patterns(sent) { $0.sent = patterns } }
            case .http(let http): $0.http = message(http)
            }
            $0.timeout = authorizer.timeoutNanoseconds
            $0.failOpen = authorizer.failsOpen
            $0.statusOnError = UInt32(authorizer.statusOnError)
            if let body = authorizer.body {
                $0.body = .with {
                    $0.bytesMax = body.bytesMax
                    $0.mayBePartial = body.mayBePartial
                    $0.isBinary = body.isBinary
                }
            }
        }
    }

    private static func message(_ http: HTTPAuthorizer) -> Apus_Waypoint_V1_HTTPAuthorizer {
        .with {
            $0.pathPrefix = http.pathPrefix.text
            if let patterns = patterns(http.sent) { $0.sent = patterns }
            $0.added = http.added.map { field in
                .with {
                    $0.name = field.name.text
                    $0.value = field.value
                }
            }
            if let patterns = patterns(http.toUpstream) { $0.toUpstream = patterns }
            if let patterns = patterns(http.toCallerOnDenial) { $0.toCallerOnDenial = patterns }
            if let patterns = patterns(http.toCallerOnAdmission) { $0.toCallerOnAdmission = patterns }
        }
    }

    /// `nil` stands for all.
    private static func patterns(_ selection: HeaderSelection) -> Apus_Waypoint_V1_HeaderPatterns? {
        guard case .listed(let matches) = selection else { return nil }
        return .with { $0.values = matches.map(message) }
    }

    // MARK: - From the wire

    static func authorizer(_ message: Apus_Waypoint_V1_Authorizer) throws(WireRejection) -> Authorizer {
        try knownPart(message)
        try knownPart(message.service)
        let name = "\(message.service.namespace)/\(message.service.hostname)"
        guard let service = ServiceKey(name) else { throw .serviceKey(name) }
        let port = try port(message.port, field: "authorizer.port")
        guard port > 0 else { throw .port(field: "authorizer.port", value: 0) }
        let transport: Authorizer.Transport
        switch message.transport {
        case .grpc(let grpc):
            try knownPart(grpc)
            transport = .grpc(sent: try selection(grpc.hasSent, grpc.sent))
        case .http(let http): transport = .http(try httpAuthorizer(http))
        case nil: throw .missing(field: "authorizer.transport")
        }
        guard message.timeout > 0 else { throw .missing(field: "authorizer.timeout") }
        guard (200...599).contains(message.statusOnError) else {
            throw .unknownValue(field: "authorizer.status_on_error", value: Int(message.statusOnError))
        }
        var body: CheckedBody?
        if message.hasBody {
            try knownPart(message.body)
            guard message.body.bytesMax > 0 else { throw .missing(field: "authorizer.body.bytes_max") }
            body = CheckedBody(
                bytesMax: message.body.bytesMax, mayBePartial: message.body.mayBePartial,
                isBinary: message.body.isBinary)
        }
        return Authorizer(
            target: RouteTarget(service: service, port: port), transport: transport,
            timeoutNanoseconds: message.timeout, failsOpen: message.failOpen,
            statusOnError: UInt16(message.statusOnError), body: body)
    }

    private static func httpAuthorizer(
        _ message: Apus_Waypoint_V1_HTTPAuthorizer
    ) throws(WireRejection) -> HTTPAuthorizer {
        try knownPart(message)
        let prefix = try value("path_prefix") { () throws(RouteValueError) in
            try ReplacementPath(message.pathPrefix)
        }
        var added: [HeaderField] = []
        for field in message.added {
            try knownPart(field)
            let name = try headerName(field.name)
            added.append(try value("added") { () throws(RouteValueError) in try HeaderField(name, field.value) })
        }
        return HTTPAuthorizer(
            pathPrefix: prefix, sent: try selection(message.hasSent, message.sent), added: added,
            toUpstream: try selection(message.hasToUpstream, message.toUpstream),
            toCallerOnDenial: try selection(message.hasToCallerOnDenial, message.toCallerOnDenial),
            toCallerOnAdmission: try selection(message.hasToCallerOnAdmission, message.toCallerOnAdmission))
    }

    private static func selection(
        _ isThere: Bool, _ message: Apus_Waypoint_V1_HeaderPatterns
    ) throws(WireRejection) -> HeaderSelection {
        guard isThere else { return .all }
        try knownPart(message)
        return .listed(try texts(message.values, "header patterns"))
    }
}
