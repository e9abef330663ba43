package import MeshWire

import MeshModel
import SwiftProtobuf

/// The discovery client without its stream: its subscriptions and the world they build. Pure.
package struct DiscoverySession: Sendable {
    package private(set) var world = World()
    private var addresses = DeltaSubscription(typeURL: WireCodec.ResourceType.address.url)
    private var authorizations = DeltaSubscription(typeURL: WireCodec.ResourceType.authorization.url)

    /// Only of waypoints.
    private var routes: DeltaSubscription?

    /// Only of waypoints.
    private var attachedPolicies: DeltaSubscription?

    /// - Parameter wantsRoutes: routes and policies of waypoints, as waypoints do.
    package init(wantsRoutes: Bool = false) {
        guard wantsRoutes else { return }
        routes = DeltaSubscription(typeURL: WireCodec.ResourceType.routes.url)
        attachedPolicies = DeltaSubscription(typeURL: WireCodec.ResourceType.attachedPolicies.url)
        world.awaitAttachedPolicies()
    }

    /// Every type asked for has had a response.
    package var isReady: Bool {
        addresses.isReady && authorizations.isReady && routes?.isReady != false
            && attachedPolicies?.isReady != false
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
        return requests
    }

    package mutating func disconnect() {
        addresses.disconnect()
        authorizations.disconnect()
        routes?.disconnect()
        attachedPolicies?.disconnect()
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

    /// Removals stand first: a name that is removed and sent in one response is there afterwards.
    private static func decode(
        _ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse, type: WireCodec.ResourceType
    ) -> (DeltaOutcome, [WorldChange]) {
        var outcome = DeltaOutcome(nonce: response.nonce, removed: response.removedResources)
        var changes: [WorldChange] = response.removedResources.map { name in
            switch type {
            case .address: .removeAddress(name: name)
            case .authorization: .removePolicy(key: name)
            case .routes: .removeRoutes(name: name)
            case .attachedPolicies: .removeAttachedPolicy(name: name)
            }
        }
        changes.reserveCapacity(changes.count + response.resources.count)
        for resource in response.resources {
            do throws(WireRejection) {
                changes.append(try change(resource, type: type))
                outcome.accepted.append(.init(name: resource.name, version: resource.version))
            } catch {
                outcome.rejected.append(.init(name: resource.name, reason: error.description))
                switch type {
                case .address: break
                case .authorization: changes.append(.refusePolicy(WireCodec.refused(resource)))
                case .routes: changes.append(.refuseRoutes(name: resource.name))
                case .attachedPolicies:
                    changes.append(.refuseAttachedPolicy(WireCodec.refusedAttachedPolicy(resource)))
                }
            }
        }
        return (outcome, changes)
    }

    private static func change(
        _ resource: Envoy_Service_Discovery_V3_Resource, type: WireCodec.ResourceType
    ) throws(WireRejection) -> WorldChange {
        guard resource.resource.typeURL == type.url else { throw .unexpectedType(resource.resource.typeURL) }
        switch try WireCodec.decode(resource.resource) {
        case .workload(let workload): return .upsertWorkload(workload)
        case .service(let service): return .upsertService(service)
        case .policy(let policy):
            // Workloads name policies by resource name; under another name this one would never be found.
            guard policy.key == resource.name else {
                throw .nameMismatch(resource: resource.name, content: policy.key)
            }
            return .upsertPolicy(policy)
        case .routes(let routes):
            // Removed and refused by name: under another name this one would stay for ever.
            guard routes.scope.description == resource.name else {
                throw .nameMismatch(resource: resource.name, content: routes.scope.description)
            }
            return .upsertRoutes(routes)
        case .attachedPolicy(let policy):
            guard policy.name.description == resource.name else {
                throw .nameMismatch(resource: resource.name, content: policy.name.description)
            }
            return .upsertAttachedPolicy(policy)
        }
    }
}
