import Foundation
import MeshTesting

extension APIServer {
    static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    /// A kind with a status, whose objects may say anything.
    static func definition(
        _ group: String, _ plural: String, _ kind: String, version: String = "v1beta1", scope: String = "Namespaced"
    ) -> String {
        """
        {"metadata":{"name":"\(plural).\(group)",\
        "annotations":{"api-approved.kubernetes.io":"https://github.com/kubernetes-sigs/gateway-api/pull/891"}},\
        "spec":{"group":"\(group)","scope":"\(scope)","names":{"plural":"\(plural)","kind":"\(kind)",\
        "singular":"\(kind.lowercased())","listKind":"\(kind)List"},\
        "versions":[{"name":"\(version)","served":true,"storage":true,"subresources":{"status":{}},\
        "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """
    }

    /// Defines the kind and waits until the server has it.
    func define(
        _ group: String, _ plural: String, _ kind: String, version: String = "v1beta1", scope: String = "Namespaced"
    ) async throws {
        try await must(
            "POST", Self.definitions, Self.definition(group, plural, kind, version: version, scope: scope))
        try await Wait.eventually(plural, seconds: 30, everyMilliseconds: 200) {
            try await call("GET", "/apis/\(group)/\(version)/\(plural)").status == 200
        }
    }

    /// A member of an object, as text; empty when there is none. The path: `status/conditions`.
    func value(_ object: String, _ path: String) async throws -> String {
        let text = try await call("GET", object).text
        var value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        for key in path.split(separator: "/") {
            guard let member = (value as? [String: Any])?[String(key)] else { return "" }
            value = member
        }
        if let text = value as? String { return text }
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
        return String(
            decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self)
    }
}
