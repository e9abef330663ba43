package import WaypointRoute
internal import MeshModel

/// A header field that an authorizer writes.
package struct HeaderChange: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        /// Behind those that are there.
        case add
        case addIfAbsent
        /// In their place.
        case set
        case setIfPresent
    }

    let field: HeaderField
    let action: Action

    init(_ field: HeaderField, _ action: Action) {
        self.field = field
        self.action = action
    }

    /// - Throws: ``ServiceFailure/malformed(_:)`` for what is no header field.
    init(_ name: String, _ value: String, _ action: Action) throws(ServiceFailure) {
        do throws(RouteValueError) {
            field = try HeaderField(try HeaderName(name), value)
        } catch {
            throw .malformed("header: \(error)")
        }
        self.action = action
    }

    func apply(to headers: inout HeaderList) {
        let isThere = headers.index(of: field.name.text.utf8) != nil
        switch action {
        case .add: headers.add(field)
        case .addIfAbsent: if !isThere { headers.add(field) }
        case .set: headers.set(field)
        case .setIfPresent: if isThere { headers.set(field) }
        }
    }
}

/// What a request that may pass is changed by on its way, and the answer to it. Pseudo-headers, Host, fields of the
/// connection and of the framing, and who calls are nobody's to change.
package struct RequestChanges: Hashable, Sendable {
    var request: [HeaderChange] = []
    /// Names in lower case.
    var removed: [String] = []
    var answer: [HeaderChange] = []
    var parameters: [QueryParameter] = []
    var removedParameters: [String] = []

    package init() {}

    /// Makes the head of the request the one that goes on.
    /// - Throws: ``ServiceFailure/malformed(_:)`` when it would become longer than any.
    package func apply(to head: inout RequestHead) throws(ServiceFailure) {
        if !removed.isEmpty {
            head.headers.removeAll { name in
                !FieldRules.isFixed(name) && removed.contains { name.elementsEqual($0.utf8) }
            }
        }
        for change in request where !FieldRules.isFixed(change.field.name.text.utf8) {
            change.apply(to: &head.headers)
        }
        guard !parameters.isEmpty || !removedParameters.isEmpty else { return }
        head.path = head.path.changed(setting: parameters, removing: removedParameters)
        guard head.path.target.count <= RequestPath.targetBytesMax else { throw .malformed("a query that is too long") }
    }

    /// Nothing is changed in the answer to the caller.
    package var leavesAnswer: Bool { answer.isEmpty }

    /// Makes the fields of the endpoint's answer those that the caller gets.
    package func applyToAnswer(_ headers: inout HeaderList) {
        for change in answer where !FieldRules.isFraming(change.field.name.text.utf8) { change.apply(to: &headers) }
    }
}

/// Fields that no authorizer gets or gives.
enum FieldRules {
    /// Of one connection, or where a message ends on it. Source: RFC 9110 section 7.6.1.
    private static let framing: Set<String> = [
        "connection", "content-length", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]
    /// What tells of the body of an authorizer's own answer, and of its connection.
    private static let ofAnswer: Set<String> = [
        "content-encoding", "content-language", "content-range", "content-type", "date", "server",
    ]

    static func isFraming(_ name: some Collection<UInt8>) -> Bool {
        framing.contains(String(decoding: name, as: UTF8.self))
    }

    /// Not to be changed in a request.
    static func isFixed(_ name: some Collection<UInt8>) -> Bool {
        let text = String(decoding: name, as: UTF8.self)
        return framing.contains(text) || text == "host" || text == "x-forwarded-client-cert" || text.hasPrefix(":")
    }

    /// Says something about an authorizer's answer only.
    static func isOfAnswer(_ name: some Collection<UInt8>) -> Bool {
        ofAnswer.contains(String(decoding: name, as: UTF8.self))
    }

    /// Written by us for our own hop.
    static func isInternal(_ name: some Collection<UInt8>) -> Bool { name.starts(with: "x-envoy-".utf8) }
}
