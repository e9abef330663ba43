import ControlTranslate
import MeshModel

enum TrafficGuardDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> TrafficGuardResource? {
        var resource = TrafficGuardResource(metadata: metadata)
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        for var reference in spec.bounded("targetRefs", 16) {
            if let target = target(&reference) { resource.targets.append(target) }
            reference.complainAboutTheRest()
            spec.absorb(reference)
        }
        if resource.targets.isEmpty, spec.problems.isEmpty {
            spec.complain(spec.line, spec.field("targetRefs"), "is missing")
        }
        for var reader in spec.bounded("rateLimits", TrafficLimits.rateLimitsMax) {
            if let limit = limit(&reader) { resource.limits.rateLimits.append(limit) }
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        if var reader = spec.map("globalRateLimit") {
            GlobalRateLimitDecoder.decode(&reader, into: &resource)
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        if var reader = spec.map("fault") {
            resource.limits.fault = FaultDecoder.fault(&reader)
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        if var reader = spec.map("adaptiveConcurrency") {
            resource.limits.concurrency = concurrency(&reader)
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        if var reader = spec.map("hedging") {
            resource.limits.hedging = HedgingDecoder.policy(&reader)
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        if var reader = spec.map("quarantine") {
            resource.limits.quarantineCallers = callers(&reader)
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        spec.complainAboutTheRest()
        var isValid = true
        do throws(TrafficValueError) {
            try resource.limits.check()
        } catch {
            spec.complain(spec.line, spec.field(error.field), error.reason)
            isValid = false
        }
        root.absorb(spec)
        return isValid ? resource : nil
    }

    private static func target(_ reader: inout MapReader) -> TrafficGuardResource.Target? {
        let group = reader.text("group") ?? ""
        let kind = reader.text("kind") ?? "Service"
        let name = reader.resourceName("name")
        guard (group, kind) == ("", "Service") || (group, kind) == ("networking.istio.io", "ServiceEntry") else {
            reader.complain(reader.line, reader.field("kind"), "expected a Service or a ServiceEntry")
            return nil
        }
        return name.map { TrafficGuardResource.Target(kind: kind, name: $0) }
    }

    private static func limit(_ reader: inout MapReader) -> RateLimit? {
        let bounds = 1...Int(UInt32.max)
        let size = reader.integer("maxTokens", bounds)
        let fill = reader.integer("tokensPerFill", bounds) ?? size
        let interval = reader.time("fillInterval") ?? .seconds(1)
        var key = RateLimit.Key.all
        if var keyReader = reader.map("key") {
            switch keyReader.text("type") ?? "" {
            case "All": key = .all
            case "Identity": key = .identity
            case "Header":
                guard let name = keyReader.headerName("header") else {
                    reader.absorb(keyReader)
                    return nil
                }
                key = .header(name)
            default:
                keyReader.complain(keyReader.line, keyReader.field("type"), "expected All, Identity or Header")
                reader.absorb(keyReader)
                return nil
            }
            keyReader.complainAboutTheRest()
            reader.absorb(keyReader)
        }
        guard let size, let fill else {
            if reader.problems.isEmpty { reader.complain(reader.line, reader.field("maxTokens"), "is missing") }
            return nil
        }
        return RateLimit(
            key: key, tokensMax: UInt32(clamping: size), tokensPerFill: UInt32(clamping: fill), fillInterval: interval)
    }

    private static func concurrency(_ reader: inout MapReader) -> AdaptiveConcurrencySettings {
        var settings = AdaptiveConcurrencySettings()
        func number(_ key: String, _ standard: UInt32) -> UInt32 {
            reader.integer(key, 0...1_000_000).map { UInt32(clamping: $0) } ?? standard
        }
        settings.limitMin = number("minLimit", settings.limitMin)
        settings.limitMax = number("maxLimit", settings.limitMax)
        settings.quietRequests = number("quietRequests", settings.quietRequests)
        settings.percentile = number("percentile", settings.percentile)
        settings.bufferPercent = number("bufferPercent", settings.bufferPercent)
        settings.jitterPercent = number("jitterPercent", settings.jitterPercent)
        settings.quietInterval = reader.time("quietInterval") ?? settings.quietInterval
        settings.updateInterval = reader.time("updateInterval") ?? settings.updateInterval
        return settings
    }

    private static func callers(_ reader: inout MapReader) -> Set<Identity> {
        var callers: Set<Identity> = []
        for value in reader.texts("callers") ?? [] {
            let text = value.text.hasPrefix("spiffe://") ? value.text : "spiffe://\(value.text)"
            if let identity = Identity(text) {
                callers.insert(identity)
            } else {
                let expected = "expected TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT"
                reader.complain(value.line, value.field, "\(expected), found \"\(value.text.prefix(64))\"")
            }
        }
        return callers
    }
}

/// Faults in the words of Istio's VirtualService.
enum FaultDecoder {
    static func fault(_ reader: inout MapReader) -> FaultInjection? {
        var fault = FaultInjection()
        if var delay = reader.map("delay") {
            let share = share(&delay)
            if let duration = delay.time("fixedDelay") {
                fault.delay = share.map { FaultInjection.Delay(duration: duration, share: $0) }
            } else if delay.problems.isEmpty {
                delay.complain(delay.line, delay.field("fixedDelay"), "is missing")
            }
            delay.refuse(["exponentialDelay"], "is not supported")
            delay.complainAboutTheRest()
            reader.absorb(delay)
        }
        if var abort = reader.map("abort") {
            let share = share(&abort)
            if let answer = answer(&abort) {
                fault.abort = share.map { FaultInjection.Abort(answer: answer, share: $0) }
            }
            abort.refuse(["http2Error"], "is not supported")
            abort.complainAboutTheRest()
            reader.absorb(abort)
        }
        return fault.delay == nil && fault.abort == nil ? nil : fault
    }

    /// Nothing written is nothing injected.
    private static func share(_ reader: inout MapReader) -> RequestShare? {
        guard var percentage = reader.map("percentage") else { return RequestShare(partsPerMillion: 0) }
        let share = percentage.number("value", 0...100).flatMap { RequestShare(percent: $0) }
        if share == nil, percentage.problems.isEmpty {
            percentage.complain(percentage.line, percentage.field("value"), "expected 0, or 0.0001 to 100")
        }
        percentage.complainAboutTheRest()
        reader.absorb(percentage)
        return share
    }

    private static func answer(_ reader: inout MapReader) -> FaultInjection.Abort.Answer? {
        let status = reader.integer("httpStatus", 200...599)
        let name = reader.text("grpcStatus")
        guard (status == nil) != (name == nil) else {
            if reader.problems.isEmpty {
                reader.complain(reader.line, reader.path, "expected one of httpStatus, grpcStatus")
            }
            return nil
        }
        if let status { return .http(status: UInt16(clamping: status)) }
        guard let code = names.firstIndex(of: name ?? "") else {
            reader.complain(reader.line, reader.field("grpcStatus"), "expected the name of a gRPC status")
            return nil
        }
        return .grpc(status: UInt8(clamping: code))
    }

    /// By number.
    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}
