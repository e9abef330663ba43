import ControlTranslate
import MeshModel

/// Matches of rules. A condition that cannot be read is left out, with a problem: the rule then fails its requests, and
/// must fail at least those that it was written for.
enum RouteMatchDecoder {
    private enum PathType: String, CaseIterable {
        case exact = "Exact"
        case prefix = "PathPrefix"
        case pattern = "RegularExpression"
    }

    private enum ValueType: String, CaseIterable {
        case exact = "Exact"
        case pattern = "RegularExpression"
    }

    private enum Method: String, CaseIterable {
        case GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH
    }

    static func http(_ reader: inout MapReader) -> HTTPMatch {
        var path = PathMatch.prefix(.root)
        if var part = reader.map("path") {
            path = self.path(&part) ?? path
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        var method: HTTPMethod?
        if reader.node("method") != nil {
            method = reader.choice("method", Method.self).flatMap { HTTPMethod(rawValue: $0.rawValue) }
        }
        let headers = self.headers(&reader)
        var parameters: [QueryMatch] = []
        for var part in reader.bounded("queryParams", RouteLimits.fields) {
            let name = part.boundedText("name", bytes: 256)
            if let name, let value = value(&part, bytes: RouteLimits.queryValueBytes) {
                parameters.append(QueryMatch(name, value))
            }
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        reader.complainAboutTheRest()
        return HTTPMatch(path: path, method: method, headers: headers, queryParameters: parameters)
    }

    static func grpc(_ reader: inout MapReader) -> GRPCMatch {
        var call: GRPCMethodMatch?
        if var part = reader.map("method") {
            let type = part.choice("type", ValueType.self, or: .exact)
            let (service, method) = (part.text("service"), part.text("method"))
            part.complainAboutTheRest()
            do throws(RouteValueError) {
                switch type {
                case .exact: call = try GRPCMethodMatch(exactService: service, method: method)
                case .pattern: call = try GRPCMethodMatch(servicePattern: service, methodPattern: method)
                case nil: break
                }
            } catch {
                part.complain(part.line, part.path, error.reason)
            }
            reader.absorb(part)
        }
        let headers = self.headers(&reader)
        reader.complainAboutTheRest()
        return GRPCMatch(method: call, headers: headers)
    }

    private static func path(_ reader: inout MapReader) -> PathMatch? {
        let type = reader.choice("type", PathType.self, or: .prefix)
        switch type {
        case .exact:
            return reader.converted("value") { text throws(RouteValueError) in .exact(try RoutePath(text)) }
                ?? (reader.problems.isEmpty ? .exact(.root) : nil)
        case .prefix:
            return reader.converted("value") { text throws(RouteValueError) in .prefix(try RoutePath(text)) }
        case .pattern:
            return reader.node("value") == nil
                ? .pattern("/") : reader.boundedText("value", bytes: RouteLimits.pathBytes).map { .pattern($0) }
        case nil:
            reader.skip(["value"])
            return nil
        }
    }

    private static func headers(_ reader: inout MapReader) -> [HeaderMatch] {
        var matches: [HeaderMatch] = []
        for var part in reader.bounded("headers", RouteLimits.fields) {
            let name = part.headerName()
            if let value = value(&part, bytes: RouteLimits.headerValueBytes), let name {
                matches.append(HeaderMatch(name, value))
            }
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        return matches
    }

    private static func value(_ reader: inout MapReader, bytes: Int) -> ValueMatch? {
        let type = reader.choice("type", ValueType.self, or: .exact)
        guard let text = reader.boundedText("value", bytes: bytes), let type else { return nil }
        return type == .exact ? .exact(text) : .pattern(text)
    }
}
