internal import MeshModel

/// Merges a patch into an object as kubectl does for kinds that Kubernetes itself has (kubernetes.io, "Notes on the
/// strategic merge patch"): lists whose elements have a name are merged by it, others are replaced. Pure.
struct StrategicMerge {
    /// Why a patch is none.
    struct Problem: Error, Hashable, Sendable {
        /// Path from the object's root: `spec.template.spec`.
        let path: String
        let reason: String
    }

    /// What names an element, by the list's field (k8s.io/api, `patchMergeKey`).
    private static let mergeKeys: [String: String] = [
        "containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "imagePullSecrets": "name",
        "secrets": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath",
        "topologySpreadConstraints": "topologyKey", "hostAliases": "ip", "ownerReferences": "uid",
    ]
    /// Lists of texts that are united.
    private static let unitedLists: Set<String> = ["finalizers"]

    static func merged(_ base: JSONValue, _ patch: JSONValue) throws(Problem) -> JSONValue {
        guard case .object = patch else { throw Problem(path: "", reason: "expected a mapping") }
        return try value(base, patch, [])
    }

    private static func value(_ base: JSONValue?, _ patch: JSONValue, _ path: [String]) throws(Problem) -> JSONValue {
        switch patch {
        case .object(let members): return try object(base?.members ?? [:], members, path)
        case .array(let elements): return try list(base?.elements ?? [], elements, path)
        default: return patch
        }
    }

    private static func object(
        _ base: [String: JSONValue], _ patch: [String: JSONValue], _ path: [String]
    ) throws(Problem) -> JSONValue {
        var result = base
        switch patch["$patch"] {
        case nil, "merge": break
        case "replace": result = [:]
        case .some: throw problem(path, "$patch: expected merge, replace or, in a list, delete")
        }
        if let kept = patch["$retainKeys"] {
            let names = Set(kept.texts)
            result = result.filter { names.contains($0.key) }
        }
        for (key, value) in patch.sorted(by: { $0.key < $1.key }) where !isDirective(key) {
            guard !key.hasPrefix("$") else { throw problem(path, "\(key) is no known directive") }
            if value == .null {
                result[key] = nil
            } else {
                result[key] = try self.value(result[key], value, path + [key])
            }
        }
        return .object(result)
    }

    /// The order of elements means nothing to what is merged here.
    private static func isDirective(_ key: String) -> Bool {
        key == "$patch" || key == "$retainKeys" || key.hasPrefix("$setElementOrder/")
    }

    private static func mergeKey(_ path: [String]) -> String? {
        guard let field = path.last else { return nil }
        if field == "ports" { return path.contains("containers") ? "containerPort" : "port" }
        return mergeKeys[field]
    }

    private static func list(
        _ base: [JSONValue], _ patch: [JSONValue], _ path: [String]
    ) throws(Problem) -> JSONValue {
        if let field = path.last, unitedLists.contains(field) {
            return .array(base + patch.filter { !base.contains($0) })
        }
        guard let name = mergeKey(path) else { return .array(patch) }
        if patch.contains(where: { $0["$patch"] == "replace" && ($0.members?.count ?? 0) == 1 }) {
            return .array(patch.filter { $0["$patch"] == nil })
        }
        var result = base
        for element in patch {
            guard let key = element[name] else { throw problem(path, "expected \(name) in each element") }
            let place = result.firstIndex { $0[name] == key }
            if element["$patch"] == "delete" {
                if let place { result.remove(at: place) }
                continue
            }
            let merged = try value(place.map { result[$0] }, element, path)
            if let place { result[place] = merged } else { result.append(merged) }
        }
        return .array(result)
    }

    private static func problem(_ path: [String], _ reason: String) -> Problem {
        Problem(path: path.joined(separator: "."), reason: reason)
    }
}
