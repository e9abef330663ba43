internal import MeshIdentity
internal import MeshModel
internal import MeshPolicy
internal import NIOCore
internal import WaypointAuthorizer
internal import WaypointHTTP
internal import WaypointRoute

/// External authorizers: those of CUSTOM policies, and those of routes.
extension Exchange {
    /// Asks the authorizers of CUSTOM policies, one after the other. The first that refuses ends the request; so does
    /// one that gives no answer, unless it is said to fail open. The completion gets those that let it pass.
    func authorize(
        _ questions: ArraySlice<AuthorizerQuestion>, answers: [String: AuthorizerAnswer] = [:],
        _ completion: @escaping ([String: AuthorizerAnswer]) -> Void
    ) {
        guard let question = questions.first, let authorizer = question.authorizer else { return completion(answers) }
        ask(authorizer, named: question.provider, because: " (\(question.reason))") {
            var answers = answers
            answers[question.provider] = .allowed
            self.authorize(questions.dropFirst(), answers: answers, completion)
        }
    }

    /// Asks the authorizer of a route; the completion is called if the request may pass.
    func authorize(_ filter: ExternalAuthorization, _ completion: @escaping () -> Void) {
        ask(Authorizer(filter), named: "\(filter.target)", because: "", completion)
    }

    private func ask(
        _ authorizer: Authorizer, named name: String, because reason: String, _ completion: @escaping () -> Void
    ) {
        let asking = ServiceQuestioning(on: loop)
        self.asking = asking
        collect(authorizer.body, by: asking) { content in
            asking.ask(authorizer, about: self.checked(content)) { result in
                guard self.asking === asking else { return }
                self.asking = nil
                asking.end()
                do throws(ServiceFailure) {
                    switch try result.get() {
                    case .allowed(let changes): try self.change(by: changes)
                    case .denied(let denial):
                        self.log.denied("external authorizer \(name) denied it\(reason)")
                        return self.reply(LocalReply(denial))
                    }
                } catch {
                    let text = "external authorizer \(name) gave no answer: \(error)\(reason)"
                    guard authorizer.failsOpen else {
                        self.log.denied(text)
                        return self.reply(LocalReply(error, status: authorizer.statusOnError))
                    }
                    self.log.noted("\(text); let through")
                }
                completion()
            }
        }
    }

    /// What was asked lets the request pass, and changes it and the answer to it.
    func change(by changes: RequestChanges) throws(ServiceFailure) {
        try changes.apply(to: &message.head)
        if !changes.leavesAnswer { self.changes.append(changes) }
    }

    private func checked(_ content: CheckedRequest.Content?) -> CheckedRequest {
        var size: Int?
        switch message.framing {
        case .none: size = 0
        case .length(let count): size = count
        case .chunked, .untilClose: if isRequestComplete { size = body.byteCount }
        }
        return CheckedRequest(
            head: message.head, version: "\(message.version)", size: size,
            source: CheckedRequest.Peer(address: call.caller.client, identity: call.caller.identity),
            destination: CheckedRequest.Peer(address: call.facts.destination, identity: loop.settings.identity),
            timeMilliseconds: UnixClock.milliseconds(), content: content)
    }

    // MARK: - The body

    /// Waits for as much of the body as the authorizer gets. It stays here until an endpoint takes it.
    private func collect(
        _ wanted: CheckedBody?, by asking: ServiceQuestioning,
        _ completion: @escaping (CheckedRequest.Content?) -> Void
    ) {
        guard let wanted else { return completion(nil) }
        let limit = min(Int(wanted.bytesMax), loop.settings.checkedBodyBytesMax)
        if case .length(let count) = message.framing, count > limit, !wanted.mayBePartial {
            return reply(.bodyTooLarge)
        }
        body.hold()
        answerExpectation()
        // One byte more says that there is more.
        let bytesMin = wanted.mayBePartial ? limit : limit + 1
        asking.collect(atLeast: bytesMin, having: body.byteCount, isWhole: isRequestComplete) { outcome in
            switch outcome {
            case .tooLate: return self.reply(.bodyTooSlow)
            case .noRoom: return self.reply(.bodiesTooMany)
            case .collected: break
            }
            let isPartial = !self.isRequestComplete || self.body.byteCount > limit
            guard wanted.mayBePartial || !isPartial else { return self.reply(.bodyTooLarge) }
            completion(CheckedRequest.Content(bytes: self.body.prefix(limit), isPartial: isPartial))
        }
        caller.resume()
    }

    /// A caller that waits for a word before it sends its body gets it from us: the endpoint does not know of the
    /// request yet (RFC 9110 section 10.1.1).
    private func answerExpectation() {
        guard !isRequestComplete, message.head.headers.index(of: "expect".utf8) != nil else { return }
        message.head.headers.removeAll { $0.elementsEqual("expect".utf8) }
        caller.write(ResponseHead(status: 100), framing: .none, keepAlive: true)
        caller.flush()
    }
}

extension KeptBody {
    /// The first bytes.
    fileprivate func prefix(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, byteCount))
        for piece in pieces {
            bytes.append(contentsOf: piece.readableBytesView.prefix(count - bytes.count))
            if bytes.count == count { break }
        }
        return bytes
    }
}

extension LocalReply {
    /// Flag and details as of Envoy's external authorization filter. Some statuses have no content, whatever the
    /// authorizer sends with them: a caller would take it for another answer (RFC 9112 section 6.3).
    fileprivate init(_ denial: AuthorizerDenial) {
        let hasNoContent = [204, 205, 304].contains(denial.status)
        self.init(
            status: denial.status, body: hasNoContent ? "" : denial.body, flag: "UAEX", details: "ext_authz_denied",
            headers: denial.headers)
    }

    /// An authorizer that says itself that it has failed may say with which status.
    fileprivate init(_ failure: ServiceFailure, status: UInt16) {
        var status = status
        if case .errorResponse(let own?) = failure, (200...599).contains(own) { status = own }
        self.init(status: status, flag: "UAEX", details: "ext_authz_error")
    }

    /// An authorizer wants all of a body that is longer than it may be.
    fileprivate static let bodyTooLarge = LocalReply(
        status: 413, body: "Payload Too Large", details: "request_payload_too_large")

    fileprivate static let bodyTooSlow = LocalReply(
        status: 408, body: "request timeout", details: "request_body_timeout")

    fileprivate static let bodiesTooMany = LocalReply(
        status: 503, body: "too many bodies held for authorizers", flag: "UO", details: "ext_authz_overloaded")
}
