internal import MeshModel
internal import WaypointRoute

/// The request itself goes to the authorizer. Source: Istio's documentation of
/// `EnvoyExternalAuthorizationHttpProvider`, and Envoy's of the filter's HTTP service.
extension HTTPAuthorizer {
    /// Names of request fields in an answer that are to be taken out.
    private static let removedName = "x-envoy-auth-headers-to-remove"
    /// Told to a caller that is refused, whatever is selected.
    private static let alwaysTold = ["location", "www-authenticate"]

    func question(about request: CheckedRequest) throws(ServiceFailure) -> ServiceQuestion {
        var headers = HeaderList()
        let all = request.head.headers
        for index in 0..<all.count {
            let name = all.name(at: index)
            guard !FieldRules.isFraming(name), !FieldRules.isInternal(name) else { continue }
            guard name.elementsEqual("authorization".utf8) || sent.contains(name) else { continue }
            headers.append(name: name, value: all.value(at: index))
        }
        for field in added where !FieldRules.isFixed(field.name.text.utf8) { headers.set(field) }
        if let content = request.content {
            let isPartial = content.isPartial ? "true" : "false"
            headers.replace(name: CheckedRequest.partialBodyName.utf8, value: isPartial.utf8)
        }
        var head = request.head
        head.scheme = .http
        head.headers = headers
        do throws(RequestError) {
            head.path = try RequestPath(Array(pathPrefix.text.utf8) + request.head.path.target, normalization: .none)
        } catch {
            throw .unaskable("\(error)")
        }
        return ServiceQuestion(head: head, body: request.content?.bytes ?? [])
    }

    func judge(_ answer: ServiceAnswer) throws(ServiceFailure) -> AuthorizerVerdict {
        switch answer.status {
        case 200: .allowed(try changes(answer.headers))
        case 500...: throw .status(answer.status)
        default: .denied(denial(answer))
        }
    }

    private func changes(_ headers: HeaderList) throws(ServiceFailure) -> RequestChanges {
        var changes = RequestChanges()
        var written: Set<String> = []
        for (name, value) in headers.pairs where !FieldRules.isFraming(name.utf8) {
            if name == Self.removedName {
                let names = value.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
                changes.removed += names
                continue
            }
            let isTaken = toUpstream == .all ? !FieldRules.isOfAnswer(name.utf8) : selects(toUpstream, name)
            if isTaken {
                let isFirst = written.insert(name).inserted
                changes.request.append(try HeaderChange(name, value, isFirst ? .set : .add))
            }
            if selects(toCallerOnAdmission, name) { changes.answer.append(try HeaderChange(name, value, .add)) }
        }
        return changes
    }

    private func denial(_ answer: ServiceAnswer) -> AuthorizerDenial {
        var headers = answer.headers
        headers.removeAll { name in
            if FieldRules.isFraming(name) || name.elementsEqual("host".utf8) { return true }
            return !toCallerOnDenial.contains(name) && !Self.alwaysTold.contains { name.elementsEqual($0.utf8) }
        }
        return AuthorizerDenial(
            status: max(answer.status, 200), headers: headers, body: String(decoding: answer.body, as: UTF8.self))
    }

    private func selects(_ selection: HeaderSelection, _ name: String) -> Bool {
        selection.contains(Array(name.utf8)[...])
    }
}
