import ControlTranslate
import MeshModel

/// One rule: its matches, filters, back ends and limits of time.
enum RouteRuleDecoder {
    static func decode<Kind: ReadableRouteKind>(
        _ reader: inout MapReader, as _: Kind.Type
    ) -> RouteRuleResource<Kind.Match> {
        var rule = RouteRuleResource<Kind.Match>()
        rule.line = reader.line
        rule.name = reader.resourceName("name", isRequired: false)
        if Kind.ruleFields.contains(.matches) {
            for var part in reader.bounded("matches", RouteLimits.matches) {
                if let match = Kind.match(&part) { rule.matches.append(match) }
                reader.absorb(part)
            }
        }
        var causes: [RouteProblem] = []
        if Kind.ruleFields.contains(.filters) {
            var filters = RouteFilterDecoder(types: Kind.filterTypes)
            filters.decode(&reader)
            rule.filters = filters.filters
            causes = filters.causes
        }
        for var part in reader.bounded("backendRefs", RouteLimits.backends) {
            if let backend = RouteBackendDecoder.backend(&part, as: Kind.self) { rule.backends.append(backend) }
            reader.absorb(part)
        }
        if Kind.ruleFields.contains(.timeouts), var part = reader.map("timeouts") {
            rule.timeouts = timeouts(&part)
            reader.absorb(part)
        }
        if Kind.ruleFields.contains(.retry), var part = reader.map("retry") {
            rule.retry = retry(&part)
            reader.absorb(part)
        }
        if Kind.ruleFields.contains(.session), var part = reader.map("sessionPersistence") {
            rule.session = RouteSessionDecoder.decode(&part)
            reader.absorb(part)
        }
        if rule.filters.redirect != nil, !rule.backends.isEmpty {
            let reason = "a rule that redirects has no back ends"
            causes.append(
                RouteProblem(
                    FieldProblem(line: reader.line, field: reader.field("backendRefs"), reason: reason),
                    cause: .incompatibleFilters))
        }
        reader.complainAboutTheRest()
        rule.problems = reader.problems.map { RouteProblem($0) } + causes
        return rule
    }

    private static func timeouts(_ reader: inout MapReader) -> RouteTimeouts {
        let request = reader.converted("request") { text throws(RouteValueError) in
            try RouteTimeout(GatewayDuration(text).duration)
        }
        let backendRequest = reader.converted("backendRequest") { text throws(RouteValueError) in
            try RouteTimeout(GatewayDuration(text).duration)
        }
        reader.complainAboutTheRest()
        do throws(RouteValueError) {
            return try RouteTimeouts(request: request, backendRequest: backendRequest)
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return .none
        }
    }

    private static func retry(_ reader: inout MapReader) -> RetryPolicy? {
        var statuses: Set<UInt16> = []
        for value in reader.texts("codes") ?? [] {
            if let status = UInt16(value.text) {
                statuses.insert(status)
            } else {
                reader.complain(value.line, value.field, "expected a status from 400 to 599, found \"\(value.text)\"")
            }
        }
        let attempts = reader.integer("attempts", 1...100) ?? 2
        let backOff = reader.converted("backoff") { text throws(RouteValueError) in
            try RetryBackOff(minimum: GatewayDuration(text).duration)
        }
        reader.complainAboutTheRest()
        do throws(RouteValueError) {
            return try .gateway(statuses: statuses, attempts: attempts, backOff: backOff ?? .standard)
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return nil
        }
    }
}

/// Back ends of rules, and other references to services.
enum RouteBackendDecoder {
    static func backend<Kind: ReadableRouteKind>(
        _ reader: inout MapReader, as _: Kind.Type
    ) -> RouteBackendResource? {
        let weight = reader.integer("weight", 0...1_000_000).flatMap { try? BackendWeight(UInt32($0)) }
        var filters = RouteFilterDecoder(types: Kind.filterTypes.subtracting([.cors, .authorization]))
        var filterReader = reader
        if Kind.ruleFields.contains(.filters) {
            let problemCount = reader.problems.count
            filters.decode(&filterReader)
            reader.skip(["filters"])
            filters.causes += filterReader.problems.dropFirst(problemCount).map { RouteProblem($0) }
        }
        guard let reference = reference(&reader) else { return nil }
        var backend = RouteBackendResource(reference)
        backend.weight = weight ?? .one
        backend.filters = filters.filters
        backend.problems = filters.causes.map(\.problem)
        return backend
    }

    /// The fields of a reference, and no others. `nil`, with a problem: it names nothing.
    static func reference(_ reader: inout MapReader) -> BackendReference? {
        let problemCount = reader.problems.count
        var reference = BackendReference(name: "", line: reader.line, field: reader.path)
        reference.name = reader.resourceName("name") ?? ""
        reference.group = reader.text("group") ?? reference.group
        reference.kind = reader.text("kind") ?? reference.kind
        reference.namespace = reader.resourceName("namespace", isRequired: false)
        reference.port = reader.port("port")
        reader.complainAboutTheRest()
        return reader.problems.count == problemCount && !reference.name.isEmpty ? reference : nil
    }
}

enum RouteSessionDecoder {
    private enum Carrier: String, CaseIterable {
        case cookie = "Cookie"
        case header = "Header"
    }

    private enum Lifetime: String, CaseIterable {
        case session = "Session"
        case permanent = "Permanent"
    }

    private static let standardName = "apus-session"

    static func decode(_ reader: inout MapReader) -> SessionPersistence? {
        let type = reader.choice("type", Carrier.self, or: .cookie)
        let timeout = reader.duration("absoluteTimeout")
        // Older revisions of the API.
        let oldName = reader.text("sessionName")
        var lifetime = SessionPersistence.CookieLifetime.session
        var name = oldName ?? standardName
        var path = RoutePath.root
        for key in ["cookieConfig", "cookie"] {
            guard type == .cookie, var part = reader.map(key) else { continue }
            name = part.text("name") ?? name
            path = part.converted("path") { text throws(RouteValueError) in try RoutePath(text) } ?? path
            if part.choice("lifetimeType", Lifetime.self, or: .session) == .permanent { lifetime = .permanent }
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        if type == .header, var part = reader.map("header") {
            name = part.text("name") ?? name
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        reader.complainAboutTheRest("is not supported here")
        do throws(RouteValueError) {
            switch type {
            case .cookie:
                let token = try HTTPToken(name)
                return try SessionPersistence(
                    carrier: .cookie(name: token, path: path, lifetime: lifetime), absoluteTimeout: timeout)
            case .header:
                return try SessionPersistence(carrier: .header(HeaderName(name)), absoluteTimeout: timeout)
            case nil: return nil
            }
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return nil
        }
    }
}
