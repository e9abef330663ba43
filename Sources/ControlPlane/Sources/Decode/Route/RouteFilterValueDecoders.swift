import ControlTranslate
import MeshModel

/// Redirects and rewrites.
enum RouteAddressDecoder {
    private enum PathType: String, CaseIterable {
        case full = "ReplaceFullPath"
        case prefix = "ReplacePrefixMatch"
    }

    private enum Scheme: String, CaseIterable {
        case http, https
    }

    static func redirect(_ reader: inout MapReader) -> RequestRedirect? {
        var scheme: HTTPScheme?
        if reader.node("scheme") != nil {
            scheme = reader.choice("scheme", Scheme.self).flatMap { HTTPScheme(rawValue: $0.rawValue) }
        }
        let hostname = reader.converted("hostname") { text throws(RouteValueError) in try DomainName(text) }
        let path = self.path(&reader)
        let port = reader.port("port")
        var status = RequestRedirect.Status.found
        if let number = reader.integer("statusCode", 300...399) {
            if let known = UInt16(exactly: number).flatMap({ RequestRedirect.Status(rawValue: $0) }) {
                status = known
            } else {
                let found = "expected 301, 302, 303, 307 or 308, found \(number)"
                reader.complain(reader.line, reader.field("statusCode"), found)
            }
        }
        do throws(RouteValueError) {
            return try RequestRedirect(scheme: scheme, hostname: hostname, port: port, path: path, status: status)
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return nil
        }
    }

    static func rewrite(_ reader: inout MapReader) -> URLRewrite? {
        let hostname = reader.converted("hostname") { text throws(RouteValueError) in try DomainName(text) }
        return URLRewrite(hostname: hostname, path: path(&reader))
    }

    private static func path(_ reader: inout MapReader) -> PathReplacement? {
        guard var part = reader.map("path") else { return nil }
        var replacement: PathReplacement?
        if let type = part.choice("type", PathType.self) {
            let key = type == .full ? "replaceFullPath" : "replacePrefixMatch"
            let path = part.converted(key) { text throws(RouteValueError) in try ReplacementPath(text) }
            if path == nil, part.problems.isEmpty { part.complain(part.line, part.field(key), "is missing") }
            replacement = path.map { type == .full ? .full($0) : .prefix($0) }
            part.complainAboutTheRest()
        }
        reader.absorb(part)
        return replacement
    }
}

/// Cross-origin policies.
enum RouteCORSDecoder {
    static func decode(_ reader: inout MapReader) -> CORSPolicy? {
        var origins: [CORSOrigin] = []
        for value in bounded("allowOrigins", &reader) {
            do throws(RouteValueError) {
                origins.append(try CORSOrigin(value.text))
            } catch {
                reader.complain(value.line, value.field, error.reason)
            }
        }
        let methods = names("allowMethods", &reader)
        let headers = names("allowHeaders", &reader)
        let exposed = names("exposeHeaders", &reader)
        let credentials = reader.flag("allowCredentials") ?? false
        let age = reader.integer("maxAge", 1...Int(Int32.max)) ?? 5
        do throws(RouteValueError) {
            return try CORSPolicy(
                allowOrigins: origins, allowMethods: methods, allowHeaders: headers, exposeHeaders: exposed,
                allowCredentials: credentials, maximumAgeSeconds: age)
        } catch {
            reader.complain(reader.line, reader.path, error.reason)
            return nil
        }
    }

    private static func bounded(_ key: String, _ reader: inout MapReader) -> [AuthorizationPolicyResource.Value] {
        let values = reader.texts(key) ?? []
        if values.count > RouteLimits.names {
            let found = "expected at most \(RouteLimits.names) entries, found \(values.count)"
            reader.complain(reader.line, reader.field(key), found)
        }
        return Array(values.prefix(RouteLimits.names))
    }

    private static func names(_ key: String, _ reader: inout MapReader) -> CORSNames {
        let values = bounded(key, &reader)
        if values.contains(where: { $0.text == "*" }) {
            if values.count > 1 { reader.complain(reader.line, reader.field(key), "* stands alone or not at all") }
            return .any
        }
        var tokens: [HTTPToken] = []
        for value in values {
            do throws(RouteValueError) {
                tokens.append(try HTTPToken(value.text))
            } catch {
                reader.complain(value.line, value.field, error.reason)
            }
        }
        return .listed(tokens)
    }
}

/// External authorization of requests.
enum RouteAuthorizationDecoder {
    private enum Transport: String, CaseIterable {
        case http = "HTTP"
        case grpc = "GRPC"
    }

    static func decode(_ reader: inout MapReader) -> RouteFiltersResource.Authorization? {
        let transport = reader.choice("protocol", Transport.self)
        var (path, allowed): (ReplacementPath?, [HeaderName]) = (try? ReplacementPath(""), [])
        var passedOn: [HeaderName] = []
        if transport == .http, var part = reader.map("http") {
            path = part.converted("path") { text throws(RouteValueError) in try ReplacementPath(text) } ?? path
            allowed = part.headerNames("allowedHeaders")
            passedOn = part.headerNames("allowedResponseHeaders")
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        if transport == .grpc, var part = reader.map("grpc") {
            allowed = part.headerNames("allowedHeaders")
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        var bytes = 0
        if var part = reader.map("forwardBody") {
            bytes = part.integer("maxSize", 0...65_535) ?? 0
            part.complainAboutTheRest()
            reader.absorb(part)
        }
        guard var target = reader.map("backendRef") else {
            reader.complain(reader.line, reader.field("backendRef"), "is missing")
            return nil
        }
        let reference = RouteBackendDecoder.reference(&target)
        reader.absorb(target)
        guard let reference, let transport, let path else { return nil }
        return RouteFiltersResource.Authorization(
            reference,
            transport: transport == .grpc
                ? .grpc(allowedHeaders: allowed)
                : .http(pathPrefix: path, allowedHeaders: allowed, allowedResponseHeaders: passedOn),
            bodyBytesMax: UInt32(bytes))
    }
}
