import MeshModel
import MeshWire

import SwiftProtobuf

/// Policies of tokens on the wire.
extension WireCodec {
    static func tokenPolicy(_ message: Apus_Waypoint_V1_TokenPolicy) throws(WireRejection) -> TokenPolicy {
        try knownPart(message)
        let parts = try parts(message.name, field: "token.name")
        var rules: [TokenRule] = []
        for rule in message.rules { rules.append(try tokenRule(rule)) }
        return TokenPolicy(name: parts.name, namespace: parts.namespace, rules: rules)
    }

    static func message(_ policy: TokenPolicy) -> Apus_Waypoint_V1_TokenPolicy {
        .with {
            $0.name = message(namespace: policy.namespace, name: policy.name)
            $0.rules = policy.rules.map(message)
        }
    }

    private static func tokenRule(_ message: Apus_Waypoint_V1_TokenRule) throws(WireRejection) -> TokenRule {
        try knownPart(message)
        let keys: TokenRule.Keys
        switch message.keys {
        case .inlineKeys(let text): keys = .inline(text)
        case .remoteKeys(let remote):
            try knownPart(remote)
            guard !remote.uri.isEmpty, remote.timeout > 0 else { throw .missing(field: "token.remote_keys") }
            keys = .remote(uri: remote.uri, timeoutNanoseconds: remote.timeout)
        case .noKeys(let reason): keys = .none(reason)
        case nil: throw .missing(field: "token.keys")
        }
        var locations: [TokenLocation] = []
        for location in message.locations { locations.append(try self.location(location)) }
        guard !locations.isEmpty else { throw .missing(field: "token.locations") }
        var headers: [ClaimHeader] = []
        for header in message.claimHeaders {
            try knownPart(header)
            headers.append(ClaimHeader(header: try field(header.header), path: try claimPath(header.path)))
        }
        return TokenRule(
            issuer: message.issuer, audiences: message.audiences, keys: keys, locations: locations,
            forwardsToken: message.forwardsToken,
            payloadHeader: message.payloadHeader.isEmpty ? nil : try field(message.payloadHeader),
            claimHeaders: headers, spaceDelimitedClaims: message.spaceDelimitedClaims)
    }

    private static func location(
        _ message: Apus_Waypoint_V1_TokenLocation
    ) throws(WireRejection) -> TokenLocation {
        try knownPart(message)
        switch message.place {
        case .header(let header):
            try knownPart(header)
            return .header(name: try field(header.name), prefix: header.prefix)
        case .parameter(let name) where !name.isEmpty: return .parameter(name)
        case .cookie(let name) where !name.isEmpty: return .cookie(name)
        case .parameter, .cookie, nil: throw .missing(field: "token.locations")
        }
    }

    /// The name of a header field in the form in which it is looked up.
    private static func field(_ text: String) throws(WireRejection) -> String {
        let name = try headerName(text).text
        guard name == text else { throw .unknownText(field: "token.header", text: text) }
        return name
    }

    private static func message(_ rule: TokenRule) -> Apus_Waypoint_V1_TokenRule {
        .with {
            $0.issuer = rule.issuer
            $0.audiences = rule.audiences
            switch rule.keys {
            case .inline(let text): $0.inlineKeys = text
            case .remote(let uri, let timeoutNanoseconds):
                $0.remoteKeys = .with {
                    $0.uri = uri
                    $0.timeout = timeoutNanoseconds
                }
            case .none(let reason): $0.noKeys = reason
            }
            $0.locations = rule.locations.map { location in
                .with {
                    switch location {
                    case .header(let name, let prefix):
                        $0.header = .with {
                            $0.name = name
                            $0.prefix = prefix
                        }
                    case .parameter(let name): $0.parameter = name
                    case .cookie(let name): $0.cookie = name
                    }
                }
            }
            $0.forwardsToken = rule.forwardsToken
            $0.payloadHeader = rule.payloadHeader ?? ""
            $0.claimHeaders = rule.claimHeaders.map { header in
                .with {
                    $0.header = header.header
                    $0.path = header.path
                }
            }
            $0.spaceDelimitedClaims = rule.spaceDelimitedClaims
        }
    }
}
