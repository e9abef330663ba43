import MeshModel
import MeshWire
import SwiftProtobuf

extension DiscoverySession {
    /// Removals stand first: a name that is removed and sent in one response is there afterwards.
    static func decode(
        _ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse, type: WireCodec.ResourceType
    ) -> (DeltaOutcome, [WorldChange]) {
        var outcome = DeltaOutcome(nonce: response.nonce, removed: response.removedResources)
        var changes: [WorldChange] = response.removedResources.map { name in
            switch type {
            case .address: .removeAddress(name: name)
            case .authorization: .removePolicy(key: name)
            case .routes: .removeRoutes(name: name)
            case .attachedPolicies: .removeAttachedPolicy(name: name)
            case .traffic: .removeTraffic(name: name)
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
                case .traffic: changes.append(.refuseTraffic(name: resource.name))
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
        case .traffic(let rules):
            guard rules.scope.description == resource.name else {
                throw .nameMismatch(resource: resource.name, content: rules.scope.description)
            }
            return .upsertTraffic(rules)
        }
    }
}
