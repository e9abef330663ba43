import ControlTranslate
import MeshModel

enum RouteFilterType: String, CaseIterable {
    case requestHeaders = "RequestHeaderModifier"
    case responseHeaders = "ResponseHeaderModifier"
    case redirect = "RequestRedirect"
    case rewrite = "URLRewrite"
    case mirror = "RequestMirror"
    case cors = "CORS"
    case authorization = "ExternalAuth"
    case extensionRef = "ExtensionRef"

    var isRepeatable: Bool { self == .mirror || self == .extensionRef }
}

/// The filters of a rule or of a back end.
struct RouteFilterDecoder {
    /// Types that may stand here.
    let types: Set<RouteFilterType>
    private(set) var filters = RouteFiltersResource()
    /// Problems that are more than a value that cannot be read.
    var causes: [RouteProblem] = []

    init(types: Set<RouteFilterType>) {
        self.types = types
    }

    /// Reads the field `filters`; what cannot be read becomes problems of the reader.
    mutating func decode(_ reader: inout MapReader) {
        var seen: Set<RouteFilterType> = []
        for var part in reader.bounded("filters", RouteLimits.filters) {
            if let type = part.choice("type", RouteFilterType.self) {
                if !types.contains(type) {
                    fail(part, "type", "\(type.rawValue) cannot stand here", .unsupportedValue)
                } else if !seen.insert(type).inserted, !type.isRepeatable {
                    fail(part, "type", "\(type.rawValue) stands here twice", .incompatibleFilters)
                } else {
                    decode(type, &part)
                    part.complainAboutTheRest()
                }
            }
            reader.absorb(part)
        }
        if seen.isSuperset(of: [.redirect, .rewrite]) {
            fail(reader, "filters", "URLRewrite and RequestRedirect exclude each other", .incompatibleFilters)
        }
    }

    private mutating func fail(_ reader: MapReader, _ key: String, _ reason: String, _ cause: RouteProblem.Cause) {
        let problem = FieldProblem(line: reader.line, field: reader.field(key), reason: reason)
        causes.append(RouteProblem(problem, cause: cause))
    }

    private mutating func decode(_ type: RouteFilterType, _ reader: inout MapReader) {
        let key: String
        switch type {
        case .cors, .redirect, .mirror, .requestHeaders, .responseHeaders, .extensionRef, .authorization:
            key = type == .cors ? "cors" : type.rawValue.prefix(1).lowercased() + type.rawValue.dropFirst()
        case .rewrite: key = "urlRewrite"
        }
        guard var part = reader.map(key) else {
            reader.complain(reader.line, reader.field(key), "is missing")
            return
        }
        switch type {
        case .requestHeaders: filters.requestHeaders = Self.modifier(&part)
        case .responseHeaders: filters.responseHeaders = Self.modifier(&part)
        case .redirect: filters.redirect = RouteAddressDecoder.redirect(&part)
        case .rewrite: filters.rewrite = RouteAddressDecoder.rewrite(&part)
        case .mirror: if let mirror = Self.mirror(&part) { filters.mirrors.append(mirror) }
        case .cors: filters.cors = RouteCORSDecoder.decode(&part)
        case .authorization: filters.authorization = RouteAuthorizationDecoder.decode(&part)
        case .extensionRef:
            let name = "\(part.text("kind") ?? "").\(part.text("group") ?? "") \(part.text("name") ?? "")"
            fail(part, "kind", "\(name.prefix(128)) is a filter that nobody here knows", .unknownFilter(name))
        }
        part.complainAboutTheRest()
        reader.absorb(part)
    }

    private static func modifier(_ reader: inout MapReader) -> HeaderModifier? {
        let (set, add) = (fields("set", &reader), fields("add", &reader))
        let remove = reader.headerNames("remove")
        if remove.count > RouteLimits.fields {
            let found = "expected at most \(RouteLimits.fields) entries, found \(remove.count)"
            reader.complain(reader.line, reader.field("remove"), found)
        }
        do throws(RouteValueError) {
            return try HeaderModifier(set: set, add: add, remove: remove)
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return nil
        }
    }

    private static func fields(_ key: String, _ reader: inout MapReader) -> [HeaderField] {
        var fields: [HeaderField] = []
        for var part in reader.bounded(key, RouteLimits.fields) {
            let name = part.headerName()
            let value = part.boundedText("value", bytes: RouteLimits.headerValueBytes)
            part.complainAboutTheRest()
            if let name, let value {
                do throws(RouteValueError) {
                    fields.append(try HeaderField(name, value))
                } catch {
                    part.complain(part.line, part.field("value"), error.reason)
                }
            }
            reader.absorb(part)
        }
        return fields
    }

    private static func mirror(_ reader: inout MapReader) -> RouteFiltersResource.Mirror? {
        let percent = reader.integer("percent", 0...100)
        var fraction = reader.map("fraction")
        var share = RequestFraction.all
        let numerator = fraction?.integer("numerator", 0...Int(Int32.max))
        let denominator = fraction?.integer("denominator", 1...Int(Int32.max)) ?? 100
        fraction?.complainAboutTheRest()
        if let fraction { reader.absorb(fraction) }
        if percent != nil, fraction != nil {
            reader.complain(reader.line, reader.field("percent"), "and fraction exclude each other")
        }
        if let value = percent ?? numerator {
            do throws(RouteValueError) {
                share = try RequestFraction(UInt32(value), of: percent == nil ? UInt32(denominator) : 100)
            } catch {
                reader.complain(reader.line, reader.field("fraction"), error.reason)
            }
        } else if fraction != nil, reader.problems.isEmpty {
            reader.complain(reader.line, reader.field("fraction.numerator"), "is missing")
        }
        guard var target = reader.map("backendRef") else {
            reader.complain(reader.line, reader.field("backendRef"), "is missing")
            return nil
        }
        let reference = RouteBackendDecoder.reference(&target)
        reader.absorb(target)
        return reference.map { RouteFiltersResource.Mirror($0, share: share) }
    }
}
