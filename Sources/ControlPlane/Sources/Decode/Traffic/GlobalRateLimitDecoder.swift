import ControlTranslate
import MeshModel

/// `globalRateLimit` of a TrafficGuard. One that cannot be read is there all the same, with nobody to ask: a limit that
/// somebody wanted must not be lost by a slip of the pen.
enum GlobalRateLimitDecoder {
    static func decode(_ reader: inout MapReader, into resource: inout TrafficGuardResource) {
        var limit = GlobalRateLimit()
        limit.failsOpen = reader.flag("failOpen") ?? false
        limit.timeout = reader.time("timeout") ?? limit.timeout
        do throws(TrafficValueError) {
            try limit.check()
        } catch {
            reader.complain(reader.line, "spec.\(error.field)", error.reason)
            limit.timeout = GlobalRateLimit().timeout
        }
        limit.statusOnError = reader.integer("statusOnError", 200...599).map { UInt16(clamping: $0) } ?? 500
        let service = service(&reader, namespace: resource.metadata.namespace)
        let domain = reader.text("domain")
        if domain == nil, !reader.has("domain") { reader.complain(reader.line, reader.field("domain"), "is missing") }
        limit.domain = domain ?? ""
        let descriptors = descriptors(&reader)
        limit.descriptors = descriptors ?? []
        var isUnderstood = service != nil && domain != nil && descriptors != nil
        do throws(TrafficValueError) {
            if isUnderstood { try limit.checkQuestion() }
        } catch {
            reader.complain(reader.line, "spec.\(error.field)", error.reason)
            isUnderstood = false
        }
        resource.limits.globalRateLimit = limit
        resource.rateLimitService = isUnderstood ? service : nil
    }

    private static func service(
        _ reader: inout MapReader, namespace: String
    ) -> TrafficGuardResource.RateLimitService? {
        guard var part = reader.map("service") else {
            if !reader.has("service") { reader.complain(reader.line, reader.field("service"), "is missing") }
            return nil
        }
        let name = part.resourceName("name")
        let own = part.has("namespace") ? part.resourceName("namespace") : namespace
        let port = part.port("port")
        if port == nil, !part.has("port") { part.complain(part.line, part.field("port"), "is missing") }
        part.complainAboutTheRest()
        reader.absorb(part)
        guard let name, let own, let port else { return nil }
        return TrafficGuardResource.RateLimitService(namespace: own, name: name, port: port)
    }

    private static func descriptors(_ reader: inout MapReader) -> [[RateLimitAction]]? {
        var descriptors: [[RateLimitAction]]? = []
        for var part in reader.maps("descriptors") {
            var actions: [RateLimitAction] = []
            for var entry in part.maps("entries") {
                if let action = action(&entry) { actions.append(action) } else { descriptors = nil }
                entry.complainAboutTheRest()
                part.absorb(entry)
            }
            descriptors?.append(actions)
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        return descriptors
    }

    private static func action(_ entry: inout MapReader) -> RateLimitAction? {
        guard let source = source(&entry) else { return nil }
        let key = entry.text("key")
        var mayBeAbsent = false
        switch source {
        case .header, .queryParameter: mayBeAbsent = entry.flag("optional") ?? false
        case .fixed, .identity, .namespace, .serviceAccount, .address, .network, .path, .method, .service: break
        }
        return RateLimitAction(source, key: key, mayBeAbsent: mayBeAbsent)
    }

    private static func source(_ entry: inout MapReader) -> RateLimitAction.Source? {
        switch entry.text("type") ?? "" {
        case "Fixed": return entry.boundedText("value", bytes: TrafficLimits.descriptorBytesMax).map { .fixed($0) }
        case "Identity": return .identity
        case "Namespace": return .namespace
        case "ServiceAccount": return .serviceAccount
        case "SourceAddress":
            let v4Bits = entry.integer("ipv4PrefixLength", 0...32)
            let v6Bits = entry.integer("ipv6PrefixLength", 0...128)
            if v4Bits == nil, v6Bits == nil { return entry.problems.isEmpty ? .address : nil }
            return .network(v4Bits: UInt8(clamping: v4Bits ?? 32), v6Bits: UInt8(clamping: v6Bits ?? 128))
        case "Header": return entry.headerName("header").map { .header($0) }
        case "QueryParameter":
            return entry.boundedText("parameter", bytes: TrafficLimits.descriptorBytesMax).map { .queryParameter($0) }
        case "Path": return .path
        case "Method": return .method
        case "DestinationService": return .service
        default:
            let expected = "Fixed, Identity, Namespace, ServiceAccount, SourceAddress, Header, QueryParameter, Path, "
            entry.complain(entry.line, entry.field("type"), "expected \(expected)Method or DestinationService")
            return nil
        }
    }
}
