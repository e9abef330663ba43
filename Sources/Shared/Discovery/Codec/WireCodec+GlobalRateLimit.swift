import MeshModel
import MeshWire
import SwiftProtobuf

/// Global rate limits as they go over the wire. Their values are checked with the guard that they belong to.
extension WireCodec {
    static func message(_ limit: GlobalRateLimit) -> Apus_Waypoint_V1_TrafficGlobalRateLimit {
        .with {
            if let target = limit.target {
                $0.service = .with {
                    $0.namespace = target.service.namespace
                    $0.hostname = target.service.hostname
                    $0.port = UInt32(target.port)
                }
            }
            $0.domain = limit.domain
            $0.timeout = nanoseconds(limit.timeout)
            $0.failOpen = limit.failsOpen
            $0.statusOnError = UInt32(limit.statusOnError)
            $0.descriptors = limit.descriptors.map { actions in .with { $0.entries = actions.map(message) } }
        }
    }

    private static func message(_ action: RateLimitAction) -> Apus_Waypoint_V1_TrafficDescriptorEntry {
        .with {
            $0.key = action.key
            $0.mayBeAbsent = action.mayBeAbsent
            switch action.source {
            case .fixed(let text): $0.fixed = text
            case .header(let name): $0.header = name.text
            case .queryParameter(let name): $0.queryParameter = name
            case .network(let v4Bits, let v6Bits):
                $0.network = .with {
                    $0.v4Bits = UInt32(v4Bits)
                    $0.v6Bits = UInt32(v6Bits)
                }
            case .identity, .namespace, .serviceAccount, .address, .path, .method, .service:
                $0.word = words.first { $0.value == action.source }?.key ?? ""
            }
        }
    }

    /// Sources that need no more than their name.
    private static let words: [String: RateLimitAction.Source] = [
        "identity": .identity, "namespace": .namespace, "serviceAccount": .serviceAccount, "address": .address,
        "path": .path, "method": .method, "service": .service,
    ]

    // MARK: - From the wire

    static func globalRateLimit(
        _ message: Apus_Waypoint_V1_TrafficGlobalRateLimit
    ) throws(WireRejection) -> GlobalRateLimit {
        try known(message)
        var limit = GlobalRateLimit()
        if message.hasService {
            try known(message.service)
            let name = "\(message.service.namespace)/\(message.service.hostname)"
            guard let service = ServiceKey(name) else { throw .serviceKey(name) }
            let port = try port(message.service.port, field: "global_rate_limit.port")
            guard port > 0 else { throw .port(field: "global_rate_limit.port", value: 0) }
            limit.target = RouteTarget(service: service, port: port)
        }
        limit.domain = message.domain
        limit.timeout = .nanoseconds(message.timeout)
        limit.failsOpen = message.failOpen
        limit.statusOnError = UInt16(clamping: message.statusOnError)
        for descriptor in message.descriptors {
            try known(descriptor)
            var actions: [RateLimitAction] = []
            for entry in descriptor.entries { actions.append(try action(entry)) }
            limit.descriptors.append(actions)
        }
        return limit
    }

    private static func action(
        _ message: Apus_Waypoint_V1_TrafficDescriptorEntry
    ) throws(WireRejection) -> RateLimitAction {
        try known(message)
        let source: RateLimitAction.Source
        switch message.source {
        case .fixed(let text): source = .fixed(text)
        case .header(let name): source = .header(try headerName(name))
        case .queryParameter(let name): source = .queryParameter(name)
        case .network(let network):
            try known(network)
            source = .network(v4Bits: UInt8(clamping: network.v4Bits), v6Bits: UInt8(clamping: network.v6Bits))
        case .word(let word):
            guard let known = words[word] else { throw .unknownText(field: "descriptors.source", text: word) }
            source = known
        case nil: throw .missing(field: "descriptors.source")
        }
        return RateLimitAction(source, key: message.key, mayBeAbsent: message.mayBeAbsent)
    }
}
