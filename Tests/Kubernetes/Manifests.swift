import Foundation
import MeshTesting

/// What `apus install` prints, as objects for an API server.
struct Manifests {
    /// A kind that the test's API server (1.20) has in an older version only, with the same fields.
    private static let newer = [
        // policy/v1 is there from 1.21, v1beta1 is gone from 1.25.
        "policy/v1 PodDisruptionBudget": "policy/v1beta1"
    ]

    /// DaemonSets have `maxSurge` from 1.22; without it, at least one pod must be allowed to be away.
    private static let surge = "  updateStrategy:\n    rollingUpdate:\n      maxSurge: 1\n      maxUnavailable: 0\n"
    private static let noSurge = "  updateStrategy:\n    rollingUpdate:\n      maxUnavailable: 1\n"

    private static let plurals = [
        "ConfigMap": "configmaps", "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
        "CustomResourceDefinition": "customresourcedefinitions", "DaemonSet": "daemonsets", "Deployment": "deployments",
        "GatewayClass": "gatewayclasses", "Namespace": "namespaces", "NetworkPolicy": "networkpolicies",
        "PodDisruptionBudget": "poddisruptionbudgets", "PodMonitor": "podmonitors",
        "PriorityClass": "priorityclasses", "PrometheusRule": "prometheusrules", "Role": "roles",
        "RoleBinding": "rolebindings", "Service": "services", "ServiceAccount": "serviceaccounts",
        "ServiceMonitor": "servicemonitors",
    ]

    struct Unknown: Error, CustomStringConvertible {
        let description: String
    }

    /// One of them.
    struct Object {
        let value: ObjectTree
        /// Where it is posted to.
        let path: String

        var name: String { "\(value["kind"]?.text ?? "?") \(value["metadata", "name"]?.text ?? "?")" }
        var kind: String { value["kind"]?.text ?? "" }

        init(_ written: ObjectTree) throws {
            guard let kind = written["kind"]?.text, let version = written["apiVersion"]?.text,
                let plural = Manifests.plurals[kind]
            else { throw Unknown(description: "no kind that the test knows: \(try written.json().prefix(200))") }
            let served = Manifests.newer["\(version) \(kind)"] ?? version
            value = written.with("apiVersion", .text(served))
            let base = served.contains("/") ? "/apis/\(served)" : "/api/\(served)"
            let namespace = written["metadata", "namespace"]?.text.map { "/namespaces/\($0)" } ?? ""
            path = "\(base)\(namespace)/\(plural)"
        }
    }

    let objects: [Object]

    init(overlay: String) async throws {
        let text = try await Self.printed("install", overlay)
        objects = try ObjectTree.documents(yaml: text).map { try Object($0) }
    }

    /// What the command prints, with kinds and fields in versions that the test's API server has.
    static func printed(_ command: String, _ overlay: String) async throws -> String {
        let apus = try MeshPrograms().apus
        let text = try await offload { try Shell.run([apus, command, "--overlay", overlay]) }
        return newer.reduce(text.replacing(surge, with: noSurge)) { text, entry in
            let parts = entry.key.split(separator: " ").map(String.init)
            return text.replacingOccurrences(
                of: "apiVersion: \(parts[0])\nkind: \(parts[1])\n",
                with: "apiVersion: \(entry.value)\nkind: \(parts[1])\n")
        }
    }

    /// Those of the first container of the Deployment.
    func arguments(of deployment: String) -> [String] {
        let object = objects.first { $0.name == "Deployment \(deployment)" }
        return object?.value["spec", "template", "spec", "containers"]?.items.first?["args"]?.texts ?? []
    }

    /// What the roles of this account grant.
    func rights(of account: String) -> Set<Right> {
        let bindings = objects.filter { object in
            object.kind.hasSuffix("RoleBinding")
                && (object.value["subjects"]?.items ?? []).contains { $0["name"]?.text == account }
        }
        let names = Set(bindings.compactMap { $0.value["roleRef", "name"]?.text })
        let roles = objects.filter {
            $0.kind.hasSuffix("Role") && names.contains($0.value["metadata", "name"]?.text ?? "")
        }
        return Set(
            roles.flatMap { role in
                let namespace = role.value["metadata", "namespace"]?.text
                return (role.value["rules"]?.items ?? []).flatMap { Right.all($0, in: namespace) }
            })
    }
}

/// A verb on a resource, as a role grants it and as a request uses it.
struct Right: Hashable, Comparable, CustomStringConvertible {
    let verb: String
    /// `pods`, `gateways.gateway.networking.k8s.io`.
    let resource: String
    /// The only object, by its name.
    var name: String?
    /// `nil`: in all.
    var namespace: String?

    var description: String {
        "\(verb) \(resource)" + (name.map { " \($0)" } ?? "") + (namespace.map { " in \($0)" } ?? "")
    }

    static func < (left: Right, right: Right) -> Bool { left.description < right.description }

    static func resource(_ plural: String, _ group: String) -> String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// What one rule grants.
    static func all(_ rule: ObjectTree, in namespace: String?) -> [Right] {
        let names: [String?] = rule["resourceNames"].map(\.texts) ?? [nil]
        return (rule["apiGroups"]?.texts ?? []).flatMap { group in
            (rule["resources"]?.texts ?? []).flatMap { plural in
                (rule["verbs"]?.texts ?? []).flatMap { verb in
                    names.map {
                        Right(verb: verb, resource: resource(plural, group), name: $0, namespace: namespace)
                    }
                }
            }
        }
    }
}
