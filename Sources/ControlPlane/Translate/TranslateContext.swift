import MeshModel

/// What several parts of the translation look up.
struct TranslateContext {
    let settings: TranslateSettings
    let namespaceLabels: [String: [String: String]]
    let namespaceAnnotations: [String: [String: String]]
    let localities: [String: Locality]
    /// Network of this cluster's own pods and virtual addresses.
    let network: String

    init(_ resources: ResourceSet, _ settings: TranslateSettings) {
        self.settings = settings
        var labels: [String: [String: String]] = [:]
        var annotations: [String: [String: String]] = [:]
        for namespace in resources.namespaces {
            labels[namespace.metadata.name] = namespace.metadata.labels
            annotations[namespace.metadata.name] = namespace.metadata.annotations
        }
        var localities: [String: Locality] = [:]
        for node in resources.nodes {
            let labels = node.metadata.labels
            localities[node.metadata.name] = Locality(
                region: labels[Label.region] ?? "", zone: labels[Label.zone] ?? "",
                subzone: labels[Label.subzone] ?? "")
        }
        namespaceLabels = labels
        namespaceAnnotations = annotations
        self.localities = localities
        network = labels[settings.rootNamespace]?[Label.network] ?? settings.network
    }

    /// `NAME.NAMESPACE.svc.DOMAIN`.
    func hostname(service name: String, namespace: String) -> String {
        "\(name).\(namespace).svc.\(settings.clusterDomain)"
    }

    func key(of service: ServiceResource) -> ServiceKey {
        let (name, namespace) = (service.metadata.name, service.metadata.namespace)
        return ServiceKey(namespace: namespace, hostname: hostname(service: name, namespace: namespace))
    }

    func identity(of pod: PodResource) -> Identity {
        Identity(
            trustDomain: settings.trustDomain, namespace: pod.metadata.namespace, serviceAccount: pod.serviceAccount)
    }

    /// The first of the labels that is there and not empty.
    static func first(_ names: [String], in labels: [String: String]) -> String? {
        names.lazy.compactMap { labels[$0] }.first { !$0.isEmpty }
    }
}
