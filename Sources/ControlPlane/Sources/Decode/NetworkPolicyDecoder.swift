import ControlTranslate

enum NetworkPolicyDecoder {
    /// `nil`: it cannot be said which pods are meant.
    static func decode(
        _ root: inout MapReader, _ metadata: ResourceMetadata, _: PodResource.Controller?
    ) -> NetworkPolicyResource? {
        root.skip(["status"])
        var policy = NetworkPolicyResource(metadata: metadata)
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        defer { root.absorb(spec) }
        if var reader = spec.map("podSelector") {
            let selector = reader.labelSelector()
            spec.absorb(reader)
            guard let selector else { return nil }
            policy.selector = selector
        }
        let types = (spec.texts("policyTypes") ?? []).map(\.text)
        let (ingress, egress) = (rules(&spec, "ingress", peers: "from"), rules(&spec, "egress", peers: "to"))
        // Without policyTypes it is about ingress, and about egress where it has such rules (kubernetes.io, "Network
        // Policies").
        policy.ingress = types.isEmpty || types.contains("Ingress") ? ingress : nil
        policy.egress = types.isEmpty ? (egress.isEmpty ? nil : egress) : types.contains("Egress") ? egress : nil
        spec.complainAboutTheRest()
        return policy
    }

    private static func rules(
        _ spec: inout MapReader, _ field: String, peers: String
    ) -> [NetworkPolicyResource.Rule] {
        var rules: [NetworkPolicyResource.Rule] = []
        for var reader in spec.maps(field) {
            var rule = NetworkPolicyResource.Rule()
            let found = reader.maps(peers)
            rule.isForPods = found.isEmpty
            // Of peers nothing more is of use, so nothing is said of their fields.
            for var peer in found where !peer.has("ipBlock") { rule.isForPods = true }
            let ports = reader.maps("ports")
            rule.ports = ports.isEmpty ? nil : []
            for var port in ports {
                rule.ports?.append(self.port(&port))
                reader.absorb(port)
            }
            reader.complainAboutTheRest()
            spec.absorb(reader)
            rules.append(rule)
        }
        return rules
    }

    private static func port(_ reader: inout MapReader) -> NetworkPolicyResource.Port {
        var port = NetworkPolicyResource.Port(isTCP: reader.text("protocol") ?? "TCP" == "TCP")
        let end = reader.integer("endPort", 1...65535)
        if let written = reader.text("port") {
            if let first = Int(written) {
                port.target = .numbers(first...max(first, end ?? first))
            } else {
                port.target = .name(written)
            }
        }
        reader.complainAboutTheRest()
        return port
    }
}
