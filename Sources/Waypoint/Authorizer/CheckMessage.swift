internal import FoundationEssentials
internal import MeshModel
internal import MeshWire
internal import SwiftProtobuf
internal import WaypointRoute

/// The messages of Envoy's service `envoy.service.auth.v3.Authorization`.
enum CheckMessage {
    private typealias Context = Envoy_Service_Auth_V3_AttributeContext

    // MARK: - The question

    static func bytes(
        about request: CheckedRequest, sent: HeaderSelection, isBinary: Bool
    ) throws(ServiceFailure) -> [UInt8] {
        let message = Envoy_Service_Auth_V3_CheckRequest.with {
            $0.attributes = .with {
                $0.source = peer(request.source)
                $0.destination = peer(request.destination)
                $0.request = .with {
                    $0.time = Google_Protobuf_Timestamp(
                        seconds: request.timeMilliseconds / 1_000,
                        nanos: Int32(request.timeMilliseconds % 1_000) * 1_000_000)
                    $0.http = http(request, sent: sent, isBinary: isBinary)
                }
            }
        }
        do {
            return try message.serializedBytes()
        } catch {
            throw .unaskable("\(error)")
        }
    }

    private static func peer(_ peer: CheckedRequest.Peer) -> Context.Peer {
        .with {
            $0.address = .with {
                $0.socketAddress = .with {
                    $0.address = "\(peer.address.ip)"
                    $0.portValue = UInt32(peer.address.port)
                }
            }
            $0.principal = "\(peer.identity)"
        }
    }

    private static func http(_ request: CheckedRequest, sent: HeaderSelection, isBinary: Bool) -> Context.HttpRequest {
        let head = request.head
        return .with {
            $0.id = head.headers["x-request-id"] ?? ""
            $0.method = text(head.method.bytes)
            $0.path = text(head.path.target)
            $0.host = text(head.authority.bytes)
            $0.scheme = head.scheme.rawValue
            $0.size = request.size.map { Int64($0) } ?? -1
            $0.protocol = request.version
            $0.headers = headers(request, sent: sent)
            guard let content = request.content else { return }
            if isBinary { $0.rawBody = Data(content.bytes) } else { $0.body = text(content.bytes) }
        }
    }

    private static func headers(_ request: CheckedRequest, sent: HeaderSelection) -> [String: String] {
        let head = request.head
        var headers = [
            ":method": text(head.method.bytes), ":path": text(head.path.target),
            ":authority": text(head.authority.bytes), ":scheme": head.scheme.rawValue,
        ]
        if sent != .all { headers = headers.filter { sent.contains(Array($0.key.utf8)[...]) } }
        for index in 0..<head.headers.count {
            let name = head.headers.name(at: index)
            guard sent.contains(name), !FieldRules.isInternal(name) else { continue }
            let value = text(head.headers.value(at: index))
            // Lines of one name are one value, as RFC 9110 section 5.3 reads them.
            let key = text(name)
            headers[key] = headers[key].map { "\($0),\(value)" } ?? value
        }
        if let content = request.content {
            headers[CheckedRequest.partialBodyName] = content.isPartial ? "true" : "false"
        }
        return headers
    }

    /// Text has to be Unicode in protobuf; as at Envoy, each other byte becomes an exclamation mark.
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(decoding: bytes.map { $0 < 0x80 ? $0 : UInt8(ascii: "!") }, as: UTF8.self)
    }

    // MARK: - The answer

    static func verdict(_ bytes: ArraySlice<UInt8>) throws(ServiceFailure) -> AuthorizerVerdict {
        let response: Envoy_Service_Auth_V3_CheckResponse
        do {
            response = try Envoy_Service_Auth_V3_CheckResponse(serializedBytes: Array(bytes))
        } catch {
            throw .malformed("no CheckResponse")
        }
        if response.status.code == 0 { return .allowed(try changes(response.okResponse)) }
        if case .errorResponse(let error)? = response.httpResponse {
            throw .errorResponse(status: UInt16(exactly: error.status.code).flatMap { $0 == 0 ? nil : $0 })
        }
        let denied = response.deniedResponse
        var headers = HeaderList()
        for change in try changes(denied.headers) where !FieldRules.isFraming(change.field.name.text.utf8) {
            change.apply(to: &headers)
        }
        let status = UInt16(exactly: denied.status.code).flatMap { (200...599).contains($0) ? $0 : nil }
        return .denied(AuthorizerDenial(status: status ?? 403, headers: headers, body: denied.body))
    }

    private static func changes(
        _ answer: Envoy_Service_Auth_V3_OkHttpResponse
    ) throws(ServiceFailure) -> RequestChanges {
        var changes = RequestChanges()
        changes.request = try self.changes(answer.headers)
        changes.answer = try self.changes(answer.responseHeadersToAdd)
        changes.removed = answer.headersToRemove.map { $0.lowercased() }
        changes.parameters = answer.queryParametersToSet.map { QueryParameter(name: $0.key, value: $0.value) }
        changes.removedParameters = answer.queryParametersToRemove
        return changes
    }

    /// What is written to one name several times, without a word of how, are its values: the first takes the place of
    /// those that were there.
    private static func changes(
        _ options: [Envoy_Config_Core_V3_HeaderValueOption]
    ) throws(ServiceFailure) -> [HeaderChange] {
        var changes: [HeaderChange] = []
        var written: Set<HeaderName> = []
        for option in options where !option.header.key.hasPrefix(":") {
            let change = try change(option)
            let isPlain = !option.hasAppend && option.appendAction == .appendIfExistsOrAdd
            let isFirst = written.insert(change.field.name).inserted
            changes.append(isPlain && !isFirst ? HeaderChange(change.field, .add) : change)
        }
        return changes
    }

    private static func change(
        _ option: Envoy_Config_Core_V3_HeaderValueOption
    ) throws(ServiceFailure) -> HeaderChange {
        let header = option.header
        let value = header.rawValue.isEmpty ? header.value : text(header.rawValue)
        let action: HeaderChange.Action
        if option.hasAppend {
            action = option.append.value ? .add : .set
        } else {
            switch option.appendAction {
            // Nothing said. Envoy documents that `append` is false then; the new field cannot say that it was set.
            case .appendIfExistsOrAdd, .overwriteIfExistsOrAdd: action = .set
            case .addIfAbsent: action = .addIfAbsent
            case .overwriteIfExists: action = .setIfPresent
            case .UNRECOGNIZED(let number): throw .malformed("append action \(number)")
            }
        }
        return try HeaderChange(header.key, value, action)
    }
}
