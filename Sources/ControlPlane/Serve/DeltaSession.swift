import MeshDiscovery
package import MeshWire

/// Something worth a log line or a counter that a request told.
package enum DeltaNote: Hashable, Sendable {
    /// The client refused a part of an answer.
    case refused(typeURL: String, text: String)
    /// The request answers something we did not send on this stream, or long ago.
    case staleNonce(typeURL: String)
    case unknownType(String)
}

/// Why a stream ends.
package enum DeltaRefusal: Error, Hashable, Sendable {
    case tooManyTypes(limit: Int)
    case tooManyNames(limit: Int)

    package var description: String {
        switch self {
        case .tooManyTypes(let limit): return "at most \(limit) resource types per stream"
        case .tooManyNames(let limit): return "at most \(limit) names per stream"
        }
    }
}

/// One delta discovery stream. A pure machine: requests go in, and for each snapshot of the world the responses come
/// out that bring the client to it. Skipping snapshots is fine.
///
/// Order of a push: new and changed policies, addresses, rules of traffic, routes, removed policies. So no workload
/// ever names a policy that the client does not have, no service is there before the policies of its waypoint, and no
/// new route names a service that the client does not have.
package struct DeltaSession {
    /// The bare form of workloads; addresses are the usual one.
    package static let workloadTypeURL = "type.googleapis.com/istio.workload.Workload"

    private let node: String
    private var addresses: DeltaSubscription?
    private var policies: DeltaSubscription?
    private var bareWorkloads: DeltaSubscription?
    private var routes: DeltaSubscription?
    private var attachedPolicies: DeltaSubscription?
    private var traffic: DeltaSubscription?
    /// Types we do not know: answered once, with nothing. `true` while the answer is owed.
    private var unknownTypes: [String: Bool] = [:]
    private var nonceCount: UInt64 = 0
    private var outstanding: [(nonce: String, typeURL: String, revision: UInt64)] = []
    private var pushedRevision: UInt64 = 0

    /// - Parameter node: whose workloads a client on demand gets unasked.
    package init(node: String) { self.node = node }

    /// Only one of the two types that every client wants has been asked for: the other is probably on its way, and the
    /// order of the first push depends on it.
    package var isSettling: Bool { (addresses == nil) != (policies == nil) }

    /// The newest revision of the world of which the client has answered everything.
    package var acknowledgedRevision: UInt64 {
        outstanding.map(\.revision).min().map { $0 - 1 } ?? pushedRevision
    }

    /// Takes a request in. What is due because of it comes with the next push.
    package mutating func receive(
        _ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
    ) throws(DeltaRefusal) -> [DeltaNote] {
        var notes = acknowledge(request)
        switch request.typeURL {
        case WireCodec.ResourceType.address.url:
            Self.apply(request, to: &addresses, ownNode: node)
        case WireCodec.ResourceType.authorization.url:
            Self.apply(request, to: &policies)
        case WireCodec.ResourceType.routes.url:
            Self.apply(request, to: &routes)
        case WireCodec.ResourceType.attachedPolicies.url:
            Self.apply(request, to: &attachedPolicies)
        case WireCodec.ResourceType.traffic.url:
            Self.apply(request, to: &traffic)
        case Self.workloadTypeURL:
            Self.apply(request, to: &bareWorkloads, ownNode: node) { $0.kind == .workload }
        default:
            if unknownTypes[request.typeURL] == nil {
                guard unknownTypes.count < ServeLimits.typesPerStreamMax else {
                    throw .tooManyTypes(limit: ServeLimits.typesPerStreamMax)
                }
                unknownTypes[request.typeURL] = true
                notes.append(.unknownType(request.typeURL))
            }
        }
        let subscriptions = [addresses, policies, bareWorkloads, routes, attachedPolicies, traffic]
        let nameCount = subscriptions.reduce(0) { $0 + ($1?.nameCount ?? 0) }
        guard nameCount <= ServeLimits.subscribedNamesMax else {
            throw .tooManyNames(limit: ServeLimits.subscribedNamesMax)
        }
        return notes
    }

    /// Every response that is due, in the order in which it must be sent.
    package mutating func push(_ world: ServedWorld) -> [Envoy_Service_Discovery_V3_DeltaDiscoveryResponse] {
        let dueAttached = attachedPolicies?.push(world.attachedPolicies) ?? DeltaSubscription.Due()
        let duePolicies = policies?.push(world.policies) ?? DeltaSubscription.Due()
        let dueAddresses = addresses?.push(world.addresses) ?? DeltaSubscription.Due()
        let dueWorkloads = bareWorkloads?.push(world.addresses) ?? DeltaSubscription.Due()
        let dueRoutes = routes?.push(world.routes) ?? DeltaSubscription.Due()
        let dueTraffic = traffic?.push(world.traffic) ?? DeltaSubscription.Due()
        var batches = [
            Self.additions(dueAttached, .attachedPolicies), Self.additions(duePolicies, .authorization),
            Self.changes(dueAddresses, WireCodec.ResourceType.address.url) { Piece($0) },
            Self.changes(dueWorkloads, Self.workloadTypeURL, Piece.init(bareWorkload:)),
            Self.changes(dueTraffic, WireCodec.ResourceType.traffic.url) { Piece($0) },
            Self.changes(dueRoutes, WireCodec.ResourceType.routes.url) { Piece($0) },
            Self.removals(duePolicies, .authorization), Self.removals(dueAttached, .attachedPolicies),
        ].compactMap(\.self)
        for (typeURL, isOwed) in unknownTypes where isOwed {
            unknownTypes[typeURL] = false
            batches.append(ResponseBatch(typeURL, [], removals: []))
        }
        let revision = String(world.revision)
        pushedRevision = world.revision
        return batches.flatMap { $0.responses(bytesMax: ServeLimits.responseBytesMax) }.map { response in
            var response = response
            response.systemVersionInfo = revision
            response.nonce = issueNonce(response.typeURL, world.revision)
            return response
        }
    }

    private static func changes(
        _ due: DeltaSubscription.Due, _ typeURL: String, _ piece: (ServedResource) -> Piece
    ) -> ResponseBatch? {
        due.isEmpty ? nil : ResponseBatch(typeURL, due.upserts.map(piece), removals: due.removals)
    }

    private static func additions(_ due: DeltaSubscription.Due, _ type: WireCodec.ResourceType) -> ResponseBatch? {
        guard due.isOwed || !due.upserts.isEmpty else { return nil }
        return ResponseBatch(type.url, due.upserts.map { Piece($0) }, removals: [])
    }

    private static func removals(_ due: DeltaSubscription.Due, _ type: WireCodec.ResourceType) -> ResponseBatch? {
        due.removals.isEmpty ? nil : ResponseBatch(type.url, [], removals: due.removals)
    }

    private mutating func acknowledge(_ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) -> [DeltaNote] {
        guard !request.responseNonce.isEmpty else { return [] }
        let position = outstanding.firstIndex {
            $0.nonce == request.responseNonce && $0.typeURL == request.typeURL
        }
        guard let position else { return [.staleNonce(typeURL: request.typeURL)] }
        outstanding.remove(at: position)
        guard request.hasErrorDetail else { return [] }
        let text = request.errorDetail.message.utf8.prefix(ServeLimits.refusalTextBytesMax)
        return [.refused(typeURL: request.typeURL, text: String(decoding: text, as: UTF8.self))]
    }

    private mutating func issueNonce(_ typeURL: String, _ revision: UInt64) -> String {
        nonceCount += 1
        let nonce = String(nonceCount)
        outstanding.append((nonce, typeURL, max(revision, 1)))
        if outstanding.count > ServeLimits.outstandingNoncesMax { outstanding.removeFirst() }
        return nonce
    }

    private static func apply(
        _ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest, to subscription: inout DeltaSubscription?,
        ownNode: String = "", admitting admits: (@Sendable (ServedResource) -> Bool)? = nil
    ) {
        if subscription == nil {
            subscription = DeltaSubscription(
                subscribe: request.resourceNamesSubscribe, unsubscribe: request.resourceNamesUnsubscribe,
                held: request.initialResourceVersions, ownNode: ownNode, admitting: admits)
        } else {
            subscription?.change(
                subscribe: request.resourceNamesSubscribe, unsubscribe: request.resourceNamesUnsubscribe)
        }
    }
}
