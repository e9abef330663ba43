package import MeshModel

/// What is to be done with a request after its rule is known and policy let it pass.
package enum RequestPlan: Hashable, Sendable {
    case answer(RouteAnswer)
    case forward(ForwardPlan)

    /// What a plan depends on besides request and rule.
    package struct Circumstances: Hashable, Sendable {
        /// The port of the service that the client used.
        package var port: UInt16
        /// Now, in seconds since 1970.
        package var nowSeconds: Int64

        package init(port: UInt16, nowSeconds: Int64) {
            self.port = port
            self.nowSeconds = nowSeconds
        }
    }

    /// Decides about a request that matched a rule.
    package static func make(
        _ head: RequestHead, rule: RouteIndex.Rule, hit: RouteHit, in circumstances: Circumstances,
        using generator: inout some RandomNumberGenerator
    ) -> RequestPlan {
        var crossOrigin = HeaderList()
        switch rule.behaviour.cors?.judge(head) {
        case .preflight(let fields)?:
            return .answer(RouteAnswer(cause: .preflight, status: 200, headers: fields))
        case .admitted(let fields)?: crossOrigin = fields
        case .some(.none), nil: break
        }
        switch rule.behaviour.action {
        case .refuse(let fault): return .answer(.failure(.refused(fault), for: head, headers: crossOrigin))
        case .redirect(let redirect):
            return .answer(redirect.answer(head, hit, circumstances.port, crossOrigin))
        case .forward(let backends, let rewrite):
            let token = rule.behaviour.session?.token(in: head, nowSeconds: circumstances.nowSeconds)
            let pinned = token.flatMap { token in backends.firstIndex { token.isFor($0) } }
            guard let index = pinned ?? BackendChoice.choose(backends, using: &generator) else {
                return .answer(.failure(.noBackend, for: head, headers: crossOrigin))
            }
            let backend = backends[index]
            guard case .service(let target) = backend.destination else {
                guard case .invalid(let reason) = backend.destination else { break }
                return .answer(.failure(.invalidBackend(reason), for: head, headers: crossOrigin))
            }
            if case .redirect(let redirect) = backend.filters.action {
                return .answer(redirect.answer(head, hit, circumstances.port, crossOrigin))
            }
            let mirrors = rule.behaviour.mirrors + backend.filters.mirrors
            return .forward(
                ForwardPlan(
                    head: rewritten(head, rule.behaviour, rewrite, backend.filters, hit), target: target,
                    pinned: pinned == nil ? nil : token, mirrors: BackendChoice.mirrors(mirrors, using: &generator),
                    crossOrigin: crossOrigin,
                    responseHeaders: [rule.behaviour.responseHeaders, backend.filters.responseHeaders]
                        .compactMap(\.self),
                    deadlines: RequestDeadlines(rule.behaviour.timeouts, for: head),
                    retry: rule.behaviour.retry ?? .meshDefault))
        }
        return .answer(.failure(.noBackend, for: head, headers: crossOrigin))
    }

    /// The request as it is forwarded. A rewrite of the back end comes in place of the rule's.
    private static func rewritten(
        _ head: RequestHead, _ behaviour: RouteBehaviour, _ rewrite: URLRewrite?, _ filters: BackendFilters,
        _ hit: RouteHit
    ) -> RequestHead {
        var head = head
        head.apply(behaviour.requestHeaders)
        head.apply(filters.requestHeaders)
        if case .forward(let own?) = filters.action {
            head.apply(own, prefixLength: hit.prefixLength)
        } else {
            head.apply(rewrite, prefixLength: hit.prefixLength)
        }
        return head
    }
}

/// A request on its way to a back end. A class: it has many parts, and is handed on some times.
package final class ForwardPlan: Hashable, Sendable {
    /// As it is to be sent, and mirrored.
    package let head: RequestHead
    package let target: RouteTarget
    /// Names the endpoint that the client was at before; any other when it is gone.
    package let pinned: SessionToken?
    package let mirrors: [RouteTarget]
    /// Fields for the answer that let a browser read it.
    package let crossOrigin: HeaderList
    /// To be carried out on the answer, in order.
    package let responseHeaders: [HeaderModifier]
    package let deadlines: RequestDeadlines
    package let retry: RetryPolicy

    init(
        head: RequestHead, target: RouteTarget, pinned: SessionToken?, mirrors: [RouteTarget],
        crossOrigin: HeaderList, responseHeaders: [HeaderModifier], deadlines: RequestDeadlines, retry: RetryPolicy
    ) {
        self.head = head
        self.target = target
        self.pinned = pinned
        self.mirrors = mirrors
        self.crossOrigin = crossOrigin
        self.responseHeaders = responseHeaders
        self.deadlines = deadlines
        self.retry = retry
    }

    /// ``finishResponse(_:)`` changes nothing.
    package var leavesAnswer: Bool { crossOrigin.count == 0 && responseHeaders.isEmpty }

    /// Makes the headers of a back end's answer those that the client gets.
    package func finishResponse(_ headers: inout HeaderList) {
        for index in 0..<crossOrigin.count {
            let (name, value) = (crossOrigin.name(at: index), crossOrigin.value(at: index))
            if name.elementsEqual("vary".utf8) {
                headers.append(name: name, value: value)
            } else {
                headers.replace(name: name, value: value)
            }
        }
        for modifier in responseHeaders { headers.apply(modifier) }
    }

    package static func == (left: ForwardPlan, right: ForwardPlan) -> Bool {
        left.head == right.head && left.target == right.target && left.pinned == right.pinned
            && left.mirrors == right.mirrors && left.crossOrigin == right.crossOrigin
            && left.responseHeaders == right.responseHeaders && left.deadlines == right.deadlines
            && left.retry == right.retry
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(head)
        hasher.combine(target)
    }
}

extension RequestRedirect {
    fileprivate func answer(
        _ head: RequestHead, _ hit: RouteHit, _ port: UInt16, _ headers: HeaderList
    ) -> RouteAnswer {
        var headers = headers
        headers.append(
            name: "location".utf8, value: location(for: head, prefixLength: hit.prefixLength, port: port))
        return RouteAnswer(cause: .redirect, status: status.rawValue, headers: headers)
    }
}
