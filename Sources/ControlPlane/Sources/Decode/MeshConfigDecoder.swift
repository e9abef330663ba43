import ControlTranslate
import MeshModel

/// The ConfigMap `istio`, whose key `mesh` holds Istio's MeshConfig as YAML. Problems of a provider stay with it, since
/// only whoever names it knows what they close.
enum MeshConfigDecoder {
    static func isMeshConfig(_ root: MapReader) -> Bool {
        var root = root
        var metadata = root.map("metadata")
        return metadata?.text("name") == MeshConfigResource.name
    }

    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> MeshConfigResource {
        var resource = MeshConfigResource(metadata: metadata)
        root.skip(["binaryData", "immutable"])
        guard var data = root.map("data") else { return resource }
        data.skip(["meshNetworks"])
        if let place = data.node("mesh"), let text = data.text("mesh") {
            do throws(YAMLRejection) {
                // Lines of a block count from the line behind its key.
                for document in try YAMLText.documents(text) {
                    for problem in mesh(document, below: place.line, into: &resource) {
                        data.complain(place.line + problem.line, problem.field, problem.reason)
                    }
                }
            } catch {
                data.complain(place.line + error.line, "data.mesh", error.reason)
            }
        }
        data.complainAboutTheRest()
        root.absorb(data)
        return resource
    }

    /// - Returns: what belongs to no provider.
    private static func mesh(
        _ document: DataNode, below line: Int, into resource: inout MeshConfigResource
    ) -> [FieldProblem] {
        var reader = MapReader(document, path: "mesh")
        for var entry in reader.maps("extensionProviders") {
            guard var provider = provider(&entry) else { continue }
            provider.line += line
            for index in provider.problems.indices { provider.problems[index].line += line }
            resource.providers.append(provider)
        }
        resource.unread += reader.all.map(\.key).filter { $0 != "extensionProviders" }
        return reader.problems
    }

    /// `nil`: it has nothing to do with authorization.
    private static func provider(_ entry: inout MapReader) -> ExtensionProviderResource? {
        var provider = ExtensionProviderResource(name: entry.text("name") ?? "")
        provider.line = entry.line
        var kinds = 0
        if var grpc = entry.map("envoyExtAuthzGrpc") {
            kinds += 1
            common(&grpc, into: &provider)
            provider.transport = .grpc(sent: .all)
            finish(&grpc, &entry)
        }
        if var http = entry.map("envoyExtAuthzHttp") {
            kinds += 1
            common(&http, into: &provider)
            provider.transport = transport(&http).map { .http($0) }
            finish(&http, &entry)
        }
        guard kinds > 0 else { return nil }
        if kinds > 1 { entry.complain(entry.line, entry.path, "is of two kinds at once") }
        if provider.name.isEmpty { entry.complain(entry.line, entry.field("name"), "is missing") }
        entry.complainAboutTheRest()
        provider.problems = entry.problems
        return provider
    }

    private static func finish(_ part: inout MapReader, _ entry: inout MapReader) {
        part.complainAboutTheRest()
        entry.absorb(part)
    }

    // MARK: - What both kinds have

    private static func common(_ reader: inout MapReader, into provider: inout ExtensionProviderResource) {
        provider.service = reader.text("service") ?? ""
        if provider.service.isEmpty { reader.complain(reader.line, reader.field("service"), "is missing") }
        if let port = reader.port("port") {
            provider.port = port
        } else if !reader.has("port") {
            reader.complain(reader.line, reader.field("port"), "is missing")
        }
        if let timeout = reader.seconds("timeout") { provider.timeoutNanoseconds = timeout }
        provider.failsOpen = reader.flag("failOpen") ?? false
        if let status = reader.statusText("statusOnError") { provider.statusOnError = status }
        provider.body = body(&reader)
        // Routes are chosen behind authorizers, which is what the field asks for.
        _ = reader.flag("clearRouteCache")
    }

    private static func body(_ reader: inout MapReader) -> CheckedBody? {
        guard var part = reader.map("includeRequestBodyInCheck") else { return nil }
        let bytes = part.integer("maxRequestBytes", 1...Int(UInt32.max))
        if bytes == nil, !part.has("maxRequestBytes") {
            part.complain(part.line, part.field("maxRequestBytes"), "is missing")
        }
        let body = CheckedBody(
            bytesMax: UInt32(clamping: bytes ?? 1), mayBePartial: part.flag("allowPartialMessage") ?? false,
            isBinary: part.flag("packAsBytes") ?? false)
        finish(&part, &reader)
        return body
    }

    // MARK: - HTTP

    private static func transport(_ reader: inout MapReader) -> HTTPAuthorizer? {
        let none = try? ReplacementPath("")
        let prefix = reader.converted("pathPrefix") { text throws(RouteValueError) in try ReplacementPath(text) }
        guard let prefix = prefix ?? none else { return nil }
        var http = HTTPAuthorizer(pathPrefix: prefix)
        // The older name of the field means the same.
        let sent = (reader.patterns("includeRequestHeadersInCheck") ?? [])
            + (reader.patterns("includeHeadersInCheck") ?? [])
        http.sent = .listed(sent)
        http.added = reader.fields("includeAdditionalHeadersInCheck")
        http.toUpstream = .listed(reader.patterns("headersToUpstreamOnAllow") ?? [])
        http.toCallerOnDenial = reader.patterns("headersToDownstreamOnDeny").map { .listed($0) } ?? .all
        http.toCallerOnAdmission = .listed(reader.patterns("headersToDownstreamOnAllow") ?? [])
        return http
    }
}

extension MapReader {
    /// A time of protobuf's JSON form, such as `1.5s`, in nanoseconds.
    fileprivate mutating func seconds(_ key: String) -> Int64? {
        guard let line = node(key)?.line, let text = text(key) else { return nil }
        if text.hasSuffix("ms"), let number = Int64(text.dropLast(2)), (1...86_400_000).contains(number) {
            return number * 1_000_000
        }
        if text.hasSuffix("s"), let number = Double(text.dropLast()), (1e-6...86_400).contains(number) {
            return Int64((number * 1e9).rounded())
        }
        complain(line, field(key), "expected a time such as 5s or 0.25s, at most a day, found \"\(text.prefix(64))\"")
        return nil
    }

    /// A status, written as text or as a number.
    fileprivate mutating func statusText(_ key: String) -> UInt16? {
        guard let line = node(key)?.line, let text = text(key) else { return nil }
        if let status = UInt16(text), (200...599).contains(status) { return status }
        complain(line, field(key), "expected a status from 200 to 599, found \"\(text.prefix(64))\"")
        return nil
    }

    /// Names of headers: whole, `PREFIX*` or `*SUFFIX`. A lone star is refused, as Istio does.
    fileprivate mutating func patterns(_ key: String) -> [AuthorizationPolicy.StringMatch]? {
        guard let values = texts(key) else { return nil }
        var matches: [AuthorizationPolicy.StringMatch] = []
        for value in values {
            let text = value.text.lowercased()
            let name = text.hasSuffix("*") ? text.dropLast() : text.hasPrefix("*") ? text.dropFirst() : text[...]
            guard (try? HTTPToken(String(name))) != nil, !name.contains("*") else {
                complain(value.line, value.field, "expected the name of a header, perhaps with a star at one end")
                continue
            }
            let match: AuthorizationPolicy.StringMatch =
                text.hasSuffix("*") ? .prefix(String(name)) : text.hasPrefix("*") ? .suffix(String(name)) : .exact(text)
            matches.append(match)
        }
        return matches
    }

    fileprivate mutating func fields(_ key: String) -> [HeaderField] {
        guard let line = node(key)?.line, let pairs = labels(key) else { return [] }
        var fields: [HeaderField] = []
        for (name, value) in pairs.sorted(by: { $0.key < $1.key }) {
            do throws(RouteValueError) {
                fields.append(try HeaderField(try HeaderName(name), value))
            } catch {
                complain(line, "\(field(key)).\(name)", error.reason)
            }
        }
        return fields
    }
}
