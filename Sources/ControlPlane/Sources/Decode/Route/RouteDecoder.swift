import ControlTranslate
import MeshModel

/// How many of each thing a route may have (Gateway API 1.6).
enum RouteLimits {
    static let parents = 32
    static let hostnames = 16
    static let rules = 16
    /// Of one rule.
    static let matches = 64
    static let matchesOfRoute = 128
    static let filters = 16
    static let backends = 16
    /// Headers or query parameters of a match, entries of each list of a header modifier.
    static let fields = 16
    static let headerValueBytes = 4096
    static let queryValueBytes = 1024
    static let pathBytes = 1024
    /// Origins, methods or headers of a cross-origin policy; headers of an authorization.
    static let names = 64
    static let grantEntries = 16
}

/// A kind of route as its resources are read.
protocol ReadableRouteKind: RouteKind {
    /// What a rule may consist of beside its name and its back ends.
    static var ruleFields: Set<RouteRuleField> { get }
    /// Types of filters of rules and back ends.
    static var filterTypes: Set<RouteFilterType> { get }

    static func match(_ reader: inout MapReader) -> Match?
}

enum RouteRuleField {
    case matches, filters, timeouts, retry, session
}

extension HTTPRouteKind: ReadableRouteKind {
    static var ruleFields: Set<RouteRuleField> { [.matches, .filters, .timeouts, .retry, .session] }
    static var filterTypes: Set<RouteFilterType> { Set(RouteFilterType.allCases) }
    static func match(_ reader: inout MapReader) -> HTTPMatch? { RouteMatchDecoder.http(&reader) }
}

extension GRPCRouteKind: ReadableRouteKind {
    static var ruleFields: Set<RouteRuleField> { [.matches, .filters, .session] }
    static var filterTypes: Set<RouteFilterType> { [.requestHeaders, .responseHeaders, .mirror, .extensionRef] }
    static func match(_ reader: inout MapReader) -> GRPCMatch? { RouteMatchDecoder.grpc(&reader) }
}

extension TCPRouteKind: ReadableRouteKind {
    static var ruleFields: Set<RouteRuleField> { [] }
    static var filterTypes: Set<RouteFilterType> { [] }
    static func match(_ reader: inout MapReader) -> Never? { nil }
}

extension TLSRouteKind: ReadableRouteKind {
    static var ruleFields: Set<RouteRuleField> { [] }
    static var filterTypes: Set<RouteFilterType> { [] }
    static func match(_ reader: inout MapReader) -> Never? { nil }
}

/// Routes of the Gateway API. A problem stays where it is: in a back end's filters, in its rule, or in the route; what
/// follows from it the translation decides.
enum RouteDecoder {
    static func decode<Kind: ReadableRouteKind>(
        _ root: inout MapReader, _ metadata: ResourceMetadata, as _: Kind.Type
    ) -> RouteResource<Kind> {
        var route = RouteResource<Kind>(metadata: metadata)
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            route.problems = [FieldProblem(line: root.line, field: "spec", reason: "is missing")]
            return route
        }
        for var parent in spec.bounded("parentRefs", RouteLimits.parents) {
            if let reference = self.parent(&parent) { route.parents.append(reference) }
            spec.absorb(parent)
        }
        hostnames(&spec, into: &route)
        rules(&spec, into: &route)
        // Which Gateways a route attaches to when it names none; services are always named.
        spec.skip(["useDefaultGateways"])
        spec.complainAboutTheRest()
        route.problems += spec.problems
        return route
    }

    private static func parent(_ reader: inout MapReader) -> RouteParentReference? {
        var reference = RouteParentReference(name: reader.resourceName("name") ?? "", line: reader.line)
        reference.group = reader.text("group") ?? reference.group
        reference.kind = reader.text("kind") ?? reference.kind
        reference.namespace = reader.resourceName("namespace", isRequired: false)
        reference.sectionName = reader.resourceName("sectionName", isRequired: false)
        reference.port = reader.port("port")
        reader.complainAboutTheRest()
        return reference.name.isEmpty ? nil : reference
    }

    private static func hostnames<Kind: ReadableRouteKind>(
        _ spec: inout MapReader, into route: inout RouteResource<Kind>
    ) {
        guard Kind.kind != .tcp else { return }
        let written = spec.texts("hostnames") ?? []
        if written.count > RouteLimits.hostnames {
            let found = "expected at most \(RouteLimits.hostnames) entries, found \(written.count)"
            spec.complain(spec.line, spec.field("hostnames"), found)
        }
        for value in written.prefix(RouteLimits.hostnames) {
            do throws(RouteValueError) {
                route.hostnames.append(try RouteHostname(value.text))
            } catch {
                spec.complain(value.line, value.field, error.reason)
            }
        }
        if Kind.kind == .tls, written.isEmpty { spec.complain(spec.line, spec.field("hostnames"), "is missing") }
    }

    private static func rules<Kind: ReadableRouteKind>(
        _ spec: inout MapReader, into route: inout RouteResource<Kind>
    ) {
        let isConnection = Kind.kind == .tcp || Kind.kind == .tls
        let readers = spec.bounded("rules", isConnection ? 1 : RouteLimits.rules)
        if isConnection, readers.isEmpty { spec.complain(spec.line, spec.field("rules"), "needs one rule") }
        var names: Set<String> = []
        for var reader in readers {
            let rule = RouteRuleDecoder.decode(&reader, as: Kind.self)
            if let name = rule.name, !names.insert(name).inserted {
                spec.complain(reader.line, reader.field("name"), "\"\(name)\" is the name of another rule too")
            }
            route.rules.append(rule)
        }
        // Without rules the API's default is one that matches everything and has no back end.
        if readers.isEmpty, !isConnection {
            if spec.has("rules"), spec.problems.isEmpty { spec.complain(spec.line, spec.field("rules"), "is empty") }
            route.rules = [RouteRuleResource()]
        }
        let matches = route.rules.reduce(0) { $0 + $1.matches.count }
        if matches > RouteLimits.matchesOfRoute {
            let found = "expected at most \(RouteLimits.matchesOfRoute) matches in all, found \(matches)"
            spec.complain(spec.line, spec.field("rules"), found)
        }
    }
}

enum ReferenceGrantDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> ReferenceGrantResource? {
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        var grant = ReferenceGrantResource(metadata: metadata)
        for var reader in spec.bounded("from", RouteLimits.grantEntries) {
            let (group, kind) = (reader.text("group"), reader.text("kind"))
            let namespace = reader.resourceName("namespace")
            reader.complainAboutTheRest()
            // An entry that cannot be read whole permits nothing.
            if let group, let kind, let namespace, reader.problems.isEmpty {
                grant.from.append(ReferenceGrantResource.Source(group: group, kind: kind, namespace: namespace))
            } else if reader.problems.isEmpty {
                reader.complain(reader.line, reader.path, "needs group, kind and namespace")
            }
            spec.absorb(reader)
        }
        for var reader in spec.bounded("to", RouteLimits.grantEntries) {
            let (group, kind) = (reader.text("group"), reader.text("kind"))
            let name = reader.resourceName("name", isRequired: false)
            reader.complainAboutTheRest()
            if let group, let kind, reader.problems.isEmpty {
                grant.to.append(ReferenceGrantResource.Target(group: group, kind: kind, name: name))
            } else if reader.problems.isEmpty {
                reader.complain(reader.line, reader.path, "needs group and kind")
            }
            spec.absorb(reader)
        }
        spec.complainAboutTheRest()
        root.absorb(spec)
        return grant
    }
}
