import ControlTranslate
import MeshModel

/// Resources with few words.
enum Make {
    static func metadata(
        _ name: String, _ namespace: String = "shop", labels: [String: String] = [:],
        annotations: [String: String] = [:]
    ) -> ResourceMetadata {
        ResourceMetadata(name: name, namespace: namespace, labels: labels, annotations: annotations)
    }

    static func pod(
        _ name: String, _ namespace: String = "shop", ip: IPAddress = IPAddress(v4: 0x0a00_0001),
        labels: [String: String] = [:], annotations: [String: String] = [:], node: String = "node-a"
    ) -> PodResource {
        var pod = PodResource(metadata: metadata(name, namespace, labels: labels, annotations: annotations))
        pod.addresses = [ip]
        pod.nodeName = node
        return pod
    }

    static func namespace(_ name: String, labels: [String: String]) -> NamespaceResource {
        NamespaceResource(metadata: ResourceMetadata(name: name, labels: labels))
    }

    static func policy(
        _ action: AuthorizationPolicyResource.Action, _ rules: [AuthorizationPolicyResource.Rule],
        namespace: String = "shop", selector: [String: String]? = nil
    ) -> AuthorizationPolicyResource {
        var policy = AuthorizationPolicyResource(metadata: metadata("policy", namespace))
        policy.action = action
        policy.rules = rules
        policy.selector = selector
        return policy
    }

    static func values(_ positive: [String], not negative: [String] = []) -> AuthorizationPolicyResource.Values {
        AuthorizationPolicyResource.Values(
            positive: positive.map { AuthorizationPolicyResource.Value($0, field: "field") },
            negative: negative.map { AuthorizationPolicyResource.Value($0, field: "field") })
    }

    static func world(_ fill: (inout ResourceSet, inout TranslateSettings) -> Void) -> DesiredWorld {
        var resources = ResourceSet()
        var settings = TranslateSettings()
        fill(&resources, &settings)
        return Translate.translate(resources, settings)
    }
}
