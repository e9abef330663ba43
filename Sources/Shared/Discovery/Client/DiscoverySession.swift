package import MeshWire

import MeshModel
import SwiftProtobuf

/// The discovery client without its stream: its subscriptions and the world they build. Pure.
package struct DiscoverySession: Sendable {
    package private(set) var world = World()
    private var addresses = DeltaSubscription(typeURL: WireCodec.ResourceType.address.url)
    private var authorizations = DeltaSubscription(typeURL: WireCodec.ResourceType.authorization.url)

    /// These three only of waypoints.
    private var routes: DeltaSubscription?
    private var traffic: DeltaSubscription?
    private var attachedPolicies: DeltaSubscription?

    /// - Parameter wantsRoutes: routes, policies of waypoints and rules of traffic, as waypoints do.
    package init(wantsRoutes: Bool = false) {
        guard wantsRoutes else { return }
        routes = DeltaSubscription(typeURL: WireCodec.ResourceType.routes.url)
        traffic = DeltaSubscription(typeURL: WireCodec.ResourceType.traffic.url)
        attachedPolicies = DeltaSubscription(typeURL: WireCodec.ResourceType.attachedPolicies.url)
        world.awaitAttachedPolicies()
    }

    /// Every type asked for has had a response.
    package var isReady: Bool {
        addresses.isReady && authorizations.isReady
            && [routes, traffic, attachedPolicies].allSatisfy { $0?.isReady != false }
    }

    /// What one response did.
    package struct Step: Sendable {
        /// To be sent; `nil`: nothing.
        package var request: DeltaRequest?
        /// The world is another one now.
        package var worldChanged: Bool
        /// Sum of the resources' payloads.
        package var byteCount: Int
        package var rejections: [DeltaOutcome.Rejection] = []
    }

    /// A stream has opened: its first requests, in the order to send them.
    package mutating func connect() -> [DeltaRequest] {
        var requests: [DeltaRequest] = []
        // First, so that no server can tell of a service before the policies that hold for it.
        if var request = attachedPolicies?.connect() {
            for name in world.refusedAttachedPolicyNames { request.initialVersions[name] = "" }
            requests.append(request)
        }
        requests += [addresses.connect(), authorizations.connect()]
        if var request = routes?.connect() {
            // The server cannot know that these are missed: an empty version has it answer for them, found or not.
            for name in world.refusedRouteNames { request.initialVersions[name] = "" }
            requests.append(request)
        }
        if var request = traffic?.connect() {
            for name in world.refusedTrafficNames { request.initialVersions[name] = "" }
            requests.append(request)
        }
        return requests
    }

    package mutating func disconnect() {
        addresses.disconnect()
        authorizations.disconnect()
        routes?.disconnect()
        attachedPolicies?.disconnect()
        traffic?.disconnect()
    }

    /// Decodes a response whole, applies it in one batch, and answers it. A bad resource refuses only itself.
    package mutating func receive(_ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse) -> Step {
        let byteCount = response.resources.reduce(0) { $0 + $1.resource.value.count }
        switch asked(response.typeURL) {
        case .address:
            let (outcome, changes) = Self.decode(response, type: .address)
            let request = addresses.receive(outcome)
            return finish(changes, outcome, request, byteCount)
        case .authorization:
            let (outcome, changes) = Self.decode(response, type: .authorization)
            let request = authorizations.receive(outcome)
            return finish(changes, outcome, request, byteCount)
        case .routes:
            let (outcome, changes) = Self.decode(response, type: .routes)
            let request = routes?.receive(outcome)
            return finish(changes, outcome, request ?? nil, byteCount)
        case .attachedPolicies:
            let (outcome, changes) = Self.decode(response, type: .attachedPolicies)
            let arrival = attachedPolicies?.isReady == false ? [WorldChange.receiveAttachedPolicies] : []
            let request = attachedPolicies?.receive(outcome)
            return finish(changes + arrival, outcome, request ?? nil, byteCount)
        case .traffic:
            let (outcome, changes) = Self.decode(response, type: .traffic)
            let request = traffic?.receive(outcome)
            return finish(changes, outcome, request ?? nil, byteCount)
        case nil:
            // Never asked for. Acknowledged, or the server would send it again and again.
            let request = DeltaRequest(typeURL: response.typeURL, nonce: response.nonce)
            return Step(request: response.nonce.isEmpty ? nil : request, worldChanged: false, byteCount: byteCount)
        }
    }

    /// The type, unless it was never asked for.
    private func asked(_ typeURL: String) -> WireCodec.ResourceType? {
        switch WireCodec.ResourceType(rawValue: typeURL) {
        case .routes: routes == nil ? nil : .routes
        case .traffic: traffic == nil ? nil : .traffic
        case .attachedPolicies: attachedPolicies == nil ? nil : .attachedPolicies
        case let type: type
        }
    }

    private mutating func finish(
        _ changes: [WorldChange], _ outcome: DeltaOutcome, _ request: DeltaRequest?, _ byteCount: Int
    ) -> Step {
        if !changes.isEmpty { world.apply(contentsOf: changes) }
        return Step(
            request: request, worldChanged: !changes.isEmpty, byteCount: byteCount, rejections: outcome.rejected)
    }
}
