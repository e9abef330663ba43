/// Whom to ask about a request before it may pass, and how. What users write as an extension provider of Istio's mesh
/// configuration, or as the filter ExternalAuth of a route.
package struct Authorizer: Hashable, Sendable {
    package enum Transport: Hashable, Sendable {
        /// Envoy's service `envoy.service.auth.v3.Authorization`.
        case grpc(sent: HeaderSelection)
        /// The request itself, without its body; the status of the answer decides.
        case http(HTTPAuthorizer)
    }

    /// How long an answer is waited for unless it is said, in nanoseconds: 600 s, as in Istio.
    package static let timeoutNanoseconds: Int64 = 600_000_000_000
    /// The answer to a request about which nobody could be asked, unless it is said.
    package static let statusOnError: UInt16 = 403

    package var target: RouteTarget
    package var transport: Transport
    package var timeoutNanoseconds: Int64
    /// A request about which nobody could be asked passes.
    package var failsOpen: Bool
    /// From 200 to 599.
    package var statusOnError: UInt16
    /// `nil`: no body is sent along.
    package var body: CheckedBody?

    package init(
        target: RouteTarget, transport: Transport, timeoutNanoseconds: Int64 = Authorizer.timeoutNanoseconds,
        failsOpen: Bool = false, statusOnError: UInt16 = Authorizer.statusOnError, body: CheckedBody? = nil
    ) {
        self.target = target
        self.transport = transport
        self.timeoutNanoseconds = timeoutNanoseconds
        self.failsOpen = failsOpen
        self.statusOnError = statusOnError
        self.body = body
    }
}

/// What goes to an authorizer by HTTP, and what of its answer is passed on.
package struct HTTPAuthorizer: Hashable, Sendable {
    /// In front of the request's own path; empty, or it begins with a slash.
    package var pathPrefix: ReplacementPath
    /// Beside those that are always sent.
    package var sent: HeaderSelection
    /// Sent as they stand here.
    package var added: [HeaderField]
    /// Of the answer that lets the request pass: written into the request.
    package var toUpstream: HeaderSelection
    /// Of the answer that refuses it: told to the caller.
    package var toCallerOnDenial: HeaderSelection
    /// Of the answer that lets the request pass: written into the answer to the caller.
    package var toCallerOnAdmission: HeaderSelection

    package init(
        pathPrefix: ReplacementPath, sent: HeaderSelection = .none, added: [HeaderField] = [],
        toUpstream: HeaderSelection = .none, toCallerOnDenial: HeaderSelection = .all,
        toCallerOnAdmission: HeaderSelection = .none
    ) {
        self.pathPrefix = pathPrefix
        self.sent = sent
        self.added = added
        self.toUpstream = toUpstream
        self.toCallerOnDenial = toCallerOnDenial
        self.toCallerOnAdmission = toCallerOnAdmission
    }
}

/// Which header fields go along.
package enum HeaderSelection: Hashable, Sendable {
    case all
    /// Those whose names match one of these, which are in lower case.
    case listed([AuthorizationPolicy.StringMatch])

    package static let none = listed([])

    package init(_ names: [HeaderName]) { self = .listed(names.map { .exact($0.text) }) }

    /// - Parameter name: in lower case.
    package func contains(_ name: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .all: true
        case .listed(let matches):
            matches.contains { match in
                switch match {
                case .exact(let text): name.elementsEqual(text.utf8)
                case .prefix(let text): name.starts(with: text.utf8)
                case .suffix(let text): name.reversed().starts(with: text.utf8.reversed())
                case .presence: true
                }
            }
        }
    }
}

/// How much of a request's body an authorizer gets.
package struct CheckedBody: Hashable, Sendable {
    package var bytesMax: UInt32
    /// A longer body is cut; otherwise its request is refused with 413.
    package var mayBePartial: Bool
    /// Sent as bytes, which need not be text.
    package var isBinary: Bool

    package init(bytesMax: UInt32, mayBePartial: Bool = false, isBinary: Bool = false) {
        self.bytesMax = bytesMax
        self.mayBePartial = mayBePartial
        self.isBinary = isBinary
    }
}

extension Authorizer {
    /// As the filter of a route asks for it (GEP-1494): closed when nobody can be asked, and a longer body is cut.
    package init(_ filter: ExternalAuthorization) {
        let transport: Transport
        switch filter.transport {
        case .grpc(let allowed): transport = .grpc(sent: allowed.isEmpty ? .all : HeaderSelection(allowed))
        case .http(let prefix, let allowed, let passedOn):
            transport = .http(
                HTTPAuthorizer(
                    pathPrefix: prefix, sent: HeaderSelection(allowed),
                    toUpstream: passedOn.isEmpty ? .all : HeaderSelection(passedOn)))
        }
        self.init(
            target: filter.target, transport: transport,
            body: filter.bodyBytesMax == 0 ? nil : CheckedBody(bytesMax: filter.bodyBytesMax, mayBePartial: true))
    }
}
