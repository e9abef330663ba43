package import ControlTranslate
internal import MeshModel

extension StatusWish {
    /// What the statuses of a cluster's objects should say of a world.
    package static func all(of world: DesiredWorld) -> [StatusWish] {
        var wishes: [StatusWish] = []
        for kind in StatusKinds.gateways { wishes += world.gatewayStatuses.map { gateway($0, kind) } }
        for status in world.bindingStatuses {
            let kinds = status.kind == .service ? StatusKinds.services : StatusKinds.entries
            let condition = Condition(
                BindingStatus.condition, status.isTrue, status.reason.rawValue, status.message)
            wishes += kinds.map { kind in
                StatusWish(
                    StatusKey(kind, namespace: status.namespace, name: status.name), generation: status.generation,
                    .conditions([condition], owned: StatusKinds.ownedConditions[kind.plural] ?? []))
            }
        }
        for status in world.policyStatuses {
            let condition = Condition(
                status.kind.rawValue, status.isTrue, status.reason.rawValue, status.message)
            wishes += StatusKinds.policies.map { kind in
                StatusWish(
                    StatusKey(kind, namespace: status.namespace, name: status.name), generation: status.generation,
                    .conditions([condition], owned: StatusKinds.ownedConditions[kind.plural] ?? []))
            }
        }
        for status in world.routeStatuses {
            wishes += StatusKinds.routes.filter { $0.kind == status.kind.rawValue }.map { route(status, $0) }
        }
        for patch in world.redirections {
            wishes += StatusKinds.pods.map { kind in
                StatusWish(
                    StatusKey(kind, namespace: patch.pod.namespace, name: patch.pod.name), generation: 0,
                    .annotation(RedirectionPatch.annotation, patch.value, uid: patch.uid))
            }
        }
        return wishes
    }

    private static func gateway(_ status: GatewayStatus, _ kind: ResourceKind) -> StatusWish {
        StatusWish(
            StatusKey(kind, namespace: status.namespace, name: status.name), generation: status.generation,
            .gateway(
                conditions(status.conditions),
                addresses: status.addresses.map { Address(type: "IPAddress", value: $0.description) },
                listeners: status.listeners.map { Listener(name: $0.name, conditions: conditions($0.conditions)) }))
    }

    private static func conditions(_ conditions: [GatewayCondition]) -> [Condition] {
        conditions.map { Condition($0.kind.rawValue, $0.isTrue, $0.reason.rawValue, $0.message) }
    }

    private static func route(_ status: RouteStatus, _ kind: ResourceKind) -> StatusWish {
        let parents = status.parents.map { parent in
            let reference = parent.reference
            return Parent(
                group: reference.group, kind: reference.kind, namespace: reference.namespace, name: reference.name,
                sectionName: reference.sectionName, port: reference.port.map { Int($0) },
                conditions: parent.conditions.map {
                    Condition($0.kind.rawValue, $0.isTrue, $0.reason.rawValue, $0.message)
                })
        }
        return StatusWish(
            StatusKey(kind, namespace: status.namespace, name: status.name), generation: status.generation,
            .parents(parents))
    }
}
