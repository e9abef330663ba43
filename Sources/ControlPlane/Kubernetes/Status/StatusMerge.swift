internal import MeshModel

/// Puts what is ours into what others have written. Pure.
struct StatusMerge {
    /// API conventions: a message has at most 32,768 characters; ours are for people.
    static let messageCharactersMax = 4096

    let generation: Int
    /// RFC 3339, for conditions that change now.
    let now: String

    /// The members that a merge patch must set so that the object says what is wished; `nil`: it says so already.
    /// What the API server does not know of is none of its: absent and empty are the same.
    static func patch(_ wish: StatusWish, _ object: ObservedObject, now: String) -> JSONValue? {
        let merge = StatusMerge(generation: wish.generation, now: now)
        switch wish.content {
        case .annotation(let name, let value, let uid):
            guard object.uid == uid, object.annotations[name] != value else { return nil }
            return ["metadata": ["annotations": .object([name: value.map { JSONValue.string($0) } ?? .null])]]
        case .conditions(let conditions, let owned):
            let old = object.status["conditions"]?.elements ?? []
            let new = merge.conditions(conditions, in: old, owned: owned)
            return new == old ? nil : ["status": ["conditions": .array(new)]]
        case .parents(let parents):
            let old = object.status["parents"]?.elements ?? []
            let new = merge.parents(parents, in: old)
            return new == old ? nil : ["status": ["parents": .array(new)]]
        case .gateway(let conditions, let addresses, let listeners):
            let members = merge.gateway(conditions, addresses, listeners, in: object.status)
            return members.isEmpty ? nil : ["status": .object(members)]
        }
    }

    private func gateway(
        _ conditions: [StatusWish.Condition], _ addresses: [StatusWish.Address],
        _ listeners: [StatusWish.Listener], in status: JSONValue
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        func set(_ name: String, _ make: ([JSONValue]) -> [JSONValue]) {
            let old = status[name]?.elements ?? []
            let new = make(old)
            if new != old { members[name] = .array(new) }
        }
        set("conditions") { self.conditions(conditions, in: $0, owned: []) }
        set("addresses") { _ in addresses.map { ["type": .string($0.type), "value": .string($0.value)] } }
        set("listeners") { old in
            listeners.map { listener in
                let before = old.first { $0["name"]?.text == listener.name }
                let conditions = self.conditions(
                    listener.conditions, in: before?["conditions"]?.elements ?? [], owned: [])
                // An HBONE listener takes no routes: they are attached to services.
                return [
                    "name": .string(listener.name), "attachedRoutes": 0, "supportedKinds": [],
                    "conditions": .array(conditions),
                ]
            }
        }
        return members
    }

    // MARK: - Conditions

    /// Others' conditions stay as and where they are; of ours those that are not wished go.
    func conditions(
        _ wished: [StatusWish.Condition], in old: [JSONValue], owned: Set<String>
    ) -> [JSONValue] {
        var open = wished
        var result: [JSONValue] = []
        for before in old {
            let type = before["type"]?.text ?? ""
            if let place = open.firstIndex(where: { $0.type == type }) {
                result.append(condition(open.remove(at: place), before))
            } else if !owned.contains(type), !wished.contains(where: { $0.type == type }) {
                result.append(before)
            }
        }
        return result + open.map { condition($0, nil) }
    }

    private func condition(_ wished: StatusWish.Condition, _ before: JSONValue?) -> JSONValue {
        let message = String(wished.message.prefix(Self.messageCharactersMax))
        let status = wished.isTrue ? "True" : "False"
        if let before, before["status"]?.text == status, before["reason"]?.text == wished.reason,
            before["message"]?.text ?? "" == message, before["observedGeneration"]?.integer ?? 0 == generation
        {
            return before
        }
        var members: [String: JSONValue] = [
            "type": .string(wished.type), "status": .string(status), "reason": .string(wished.reason),
            "message": .string(message),
        ]
        if generation > 0 { members["observedGeneration"] = JSONValue(generation) }
        let kept = before?["status"]?.text == status ? before?["lastTransitionTime"]?.text : nil
        members["lastTransitionTime"] = .string(kept ?? now)
        return .object(members)
    }

    // MARK: - Parents

    private func parents(_ wished: [StatusWish.Parent], in old: [JSONValue]) -> [JSONValue] {
        var open = wished
        var result: [JSONValue] = []
        for before in old {
            guard Self.isOurs(before) else {
                result.append(before)
                continue
            }
            guard let place = open.firstIndex(where: { Self.reference($0) == Self.reference(before) }) else {
                continue
            }
            result.append(parent(open.remove(at: place), before))
        }
        return result + open.map { parent($0, nil) }
    }

    private func parent(_ wished: StatusWish.Parent, _ before: JSONValue?) -> JSONValue {
        let old = before?["conditions"]?.elements ?? []
        let new = conditions(
            wished.conditions, in: old, owned: Set(old.compactMap { $0["type"]?.text }))
        if let before, new == old { return before }
        return [
            "controllerName": .string(StatusKinds.controller), "parentRef": .object(Self.members(wished)),
            "conditions": .array(new),
        ]
    }

    /// A gateway's entry is of whoever runs that gateway, even when he goes by the same name.
    private static func isOurs(_ parent: JSONValue) -> Bool {
        guard parent["controllerName"]?.text == StatusKinds.controller else { return false }
        return ["Service", "ServiceEntry"].contains(parent["parentRef"]?["kind"]?.text ?? "Gateway")
    }

    private static func members(_ parent: StatusWish.Parent) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "group": .string(parent.group), "kind": .string(parent.kind), "name": .string(parent.name),
        ]
        members["namespace"] = parent.namespace.map { .string($0) }
        members["sectionName"] = parent.sectionName.map { .string($0) }
        members["port"] = parent.port.map { JSONValue($0) }
        return members
    }

    private static func reference(_ parent: StatusWish.Parent) -> [String: JSONValue] { members(parent) }

    private static func reference(_ parent: JSONValue) -> [String: JSONValue] {
        (parent["parentRef"]?.members ?? [:]).filter { $0.value != .null }
    }
}
