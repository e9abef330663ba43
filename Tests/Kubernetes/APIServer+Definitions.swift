import MeshTesting

extension APIServer {
    /// The definition of a kind that takes any field.
    static func definition(
        _ group: String, _ plural: String, _ kind: String, version: String = "v1beta1", scope: String = "Namespaced"
    ) -> String {
        """
        {"metadata":{"name":"\(plural).\(group)",\
        "annotations":{"api-approved.kubernetes.io":"https://github.com/kubernetes-sigs/gateway-api/pull/891"}},\
        "spec":{"group":"\(group)","scope":"\(scope)","names":{"plural":"\(plural)","kind":"\(kind)",\
        "singular":"\(kind.lowercased())","listKind":"\(kind)List"},\
        "versions":[{"name":"\(version)","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",\
        "x-kubernetes-preserve-unknown-fields":true}}}]}}
        """
    }

    /// Makes the kind known, and waits until it is served.
    func define(
        _ group: String, _ plural: String, _ kind: String, version: String = "v1beta1", scope: String = "Namespaced"
    ) async throws {
        try await must(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            Self.definition(group, plural, kind, version: version, scope: scope))
        try await Wait.eventually("the kind \(kind)", seconds: 30, everyMilliseconds: 100) {
            try await call("GET", "/apis/\(group)/\(version)/\(plural)").status == 200
        }
    }
}
