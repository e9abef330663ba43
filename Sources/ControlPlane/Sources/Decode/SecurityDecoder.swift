import ControlTranslate

/// Security resources. Nothing that is wrong with one may make it vanish: every problem goes with the resource to the
/// translation, which closes what it touches.
struct SecurityDecoder {
    let file: String
    let group: APIGroup

    func authorizationPolicy(
        _ root: inout MapReader, _ findings: inout [Finding]
    ) -> [AuthorizationPolicyResource] {
        guard let metadata = metadata(&root, AuthorizationPolicyResource.kind, &findings) else { return [] }
        var policy = AuthorizationPolicyResource(metadata: metadata)
        root.skip(["status"])
        if var spec = root.map("spec") {
            AuthorizationPolicyDecoder.decode(&spec, into: &policy)
            root.absorb(spec)
        }
        root.complainAboutTheRest()
        policy.problems += root.problems
        return [policy]
    }

    func peerAuthentication(_ root: inout MapReader, _ findings: inout [Finding]) -> [PeerAuthenticationResource] {
        guard let metadata = metadata(&root, PeerAuthenticationResource.kind, &findings) else { return [] }
        var resource = PeerAuthenticationResource(metadata: metadata)
        root.skip(["status"])
        if var spec = root.map("spec") {
            PeerAuthenticationDecoder.decode(&spec, into: &resource)
            root.absorb(spec)
        }
        root.complainAboutTheRest()
        resource.problems += root.problems
        return [resource]
    }

    func requestAuthentication(
        _ root: inout MapReader, _ findings: inout [Finding]
    ) -> [RequestAuthenticationResource] {
        guard let metadata = metadata(&root, RequestAuthenticationResource.kind, &findings) else { return [] }
        var resource = RequestAuthenticationResource(metadata: metadata)
        root.skip(["status"])
        if var spec = root.map("spec") {
            RequestAuthenticationDecoder.decode(&spec, into: &resource)
            root.absorb(spec)
        }
        root.complainAboutTheRest()
        resource.problems += root.problems
        return [resource]
    }

    /// A resource without a usable name gets one, so that it still closes; without a usable namespace there is nothing
    /// it could close.
    private func metadata(
        _ root: inout MapReader, _ kind: String, _ findings: inout [Finding]
    ) -> ResourceMetadata? {
        var (metadata, _) = root.metadata(file: file, hasNamespace: true)
        guard !metadata.namespace.isEmpty else {
            for problem in root.problems {
                let origin = ResourceOrigin(file: file, line: problem.line)
                let message = "\(problem.field) \(problem.reason); the policy is not in force"
                findings.append(Finding(.error, origin, resource: "\(kind) \(metadata.key)", message))
            }
            return nil
        }
        if metadata.name.isEmpty { metadata.name = "unnamed-at-line-\(root.line)" }
        if !["v1", "v1beta1"].contains(group.version) {
            root.complain(root.line, "apiVersion", "expected v1 or v1beta1, found \(group)")
        }
        return metadata
    }
}

extension MapReader {
    /// spec.selector of a security resource; problems stay in this reader.
    mutating func workloadSelector() -> [String: String]? {
        guard var selector = map("selector") else { return nil }
        let labels = selector.labels("matchLabels") ?? [:]
        selector.complainAboutTheRest()
        absorb(selector)
        return labels
    }
}

enum PeerAuthenticationDecoder {
    static func decode(_ spec: inout MapReader, into resource: inout PeerAuthenticationResource) {
        resource.selector = spec.workloadSelector()
        if var mtls = spec.map("mtls") {
            resource.mode = mode(&mtls)
            spec.absorb(mtls)
        }
        if let levels = spec.map("portLevelMtls") {
            for entry in levels.all {
                var level = MapReader(entry.value, path: levels.field(entry.key))
                let mode = mode(&level)
                spec.absorb(level)
                if let port = UInt16(entry.key), port > 0 {
                    resource.portModes[port] = mode
                } else {
                    spec.complain(entry.line, levels.field(entry.key), "expected a port from 1 to 65535")
                }
            }
            spec.absorb(levels)
        }
        spec.complainAboutTheRest()
    }

    private static func mode(_ reader: inout MapReader) -> PeerAuthenticationResource.Mode {
        var mode = PeerAuthenticationResource.Mode.unset
        if let text = reader.text("mode") {
            if let known = PeerAuthenticationResource.Mode(rawValue: text) {
                mode = known
            } else {
                let expected = "expected UNSET, DISABLE, PERMISSIVE or STRICT"
                reader.complain(reader.line, reader.field("mode"), "\(expected), found \"\(text)\"")
            }
        }
        reader.complainAboutTheRest()
        return mode
    }
}
