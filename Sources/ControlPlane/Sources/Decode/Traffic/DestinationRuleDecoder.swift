import ControlTranslate
import MeshModel

enum DestinationRuleDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> DestinationRuleResource? {
        var rule = DestinationRuleResource(metadata: metadata)
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        let host = (spec.text("host") ?? "").lowercased()
        guard host == "*" || ResourceName.isValid(host.hasPrefix("*.") ? String(host.dropFirst(2)) : host) else {
            spec.complain(spec.line, spec.field("host"), "expected a name or *.NAME, found \"\(host.prefix(64))\"")
            root.absorb(spec)
            return nil
        }
        rule.host = host
        rule.exportTo = (spec.texts("exportTo") ?? []).map(\.text)
        rule.hasWorkloadSelector = spec.has("workloadSelector")
        rule.hasSubsets = spec.list("subsets")?.isEmpty == false
        if var reader = spec.map("trafficPolicy") {
            rule.policy = TrafficPolicyDecoder.policy(&reader)
            let levels = reader.bounded("portLevelSettings", TrafficLimits.portsMax)
            for var level in levels {
                if let port = port(&level) { rule.ports[port] = TrafficPolicyDecoder.policy(&level) }
                level.complainAboutTheRest()
                reader.absorb(level)
            }
            reader.complainAboutTheRest()
            spec.absorb(reader)
        }
        spec.complainAboutTheRest()
        root.absorb(spec)
        return rule
    }

    private static func port(_ level: inout MapReader) -> UInt16? {
        guard var selector = level.map("port") else {
            level.complain(level.line, level.field("port"), "is missing")
            return nil
        }
        let number = selector.port("number")
        selector.complainAboutTheRest()
        level.absorb(selector)
        return number
    }
}

enum TrafficPolicyDecoder {
    /// Reads the groups of a traffic policy; a value out of its bounds costs only its group.
    static func policy(_ reader: inout MapReader) -> TrafficPolicy {
        var policy = TrafficPolicy()
        group(&reader, "loadBalancer", &policy) { group, policy in
            LoadBalancerDecoder.decode(&group, into: &policy)
        }
        group(&reader, "connectionPool", &policy) { group, policy in
            policy.connections = ConnectionPoolDecoder.limits(&group)
        }
        group(&reader, "outlierDetection", &policy) { group, policy in policy.outliers = outliers(&group) }
        group(&reader, "retryBudget", &policy) { group, policy in
            let percent = group.number("percent", 0...100) ?? 20
            let least = group.integer("minRetryConcurrency", 0...Int(UInt32.max)) ?? 3
            group.refuse(["budgetInterval"], "is not supported")
            policy.retryBudget = RetryBudgetSettings(percent: UInt8(percent.rounded()), minimumConcurrency: least)
        }
        group(&reader, "tls", &policy) { group, policy in ClientTLSDecoder.decode(&group, into: &policy) }
        reader.refuse(["tunnel", "proxyProtocol"], "is not supported by waypoints")
        return policy
    }

    private static func group(
        _ reader: inout MapReader, _ key: String, _ policy: inout TrafficPolicy,
        _ decode: (inout MapReader, inout TrafficPolicy) -> Void
    ) {
        guard var group = reader.map(key) else { return }
        var changed = policy
        decode(&group, &changed)
        group.complainAboutTheRest()
        do throws(TrafficValueError) {
            try changed.check()
            policy = changed
        } catch {
            group.complain(group.line, "\(reader.field(key)) (\(error.field))", error.reason)
        }
        reader.absorb(group)
    }

    private static func outliers(_ reader: inout MapReader) -> OutlierDetection {
        var outliers = OutlierDetection()
        let counts = 0...Int(UInt32.max)
        func count(_ reader: inout MapReader, _ key: String, _ standard: UInt32) -> UInt32 {
            reader.integer(key, counts).map { UInt32(clamping: $0) } ?? standard
        }
        outliers.consecutiveServerErrors = count(&reader, "consecutive5xxErrors", 5)
        outliers.consecutiveGatewayErrors = count(&reader, "consecutiveGatewayErrors", 0)
        outliers.splitsLocalFailures = reader.flag("splitExternalLocalOriginErrors") ?? false
        if reader.has("consecutiveLocalOriginFailures"), !outliers.splitsLocalFailures {
            let field = reader.field("consecutiveLocalOriginFailures")
            reader.complain(reader.line, field, "needs splitExternalLocalOriginErrors")
        }
        outliers.consecutiveLocalFailures = count(&reader, "consecutiveLocalOriginFailures", 5)
        outliers.interval = reader.time("interval") ?? outliers.interval
        outliers.baseEjectionTime = reader.time("baseEjectionTime") ?? outliers.baseEjectionTime
        // Istio takes 0 for "not written" here.
        let percent = reader.integer("maxEjectionPercent", 0...100) ?? 0
        if percent > 0 { outliers.ejectedPercentMax = UInt32(percent) }
        outliers.healthyPercentMin = UInt32(reader.integer("minHealthPercent", 0...100) ?? 0)
        reader.refuse(["consecutiveErrors", "outlierDetectionHttpErrorCodes"], "is not heeded by waypoints")
        return outliers
    }
}
