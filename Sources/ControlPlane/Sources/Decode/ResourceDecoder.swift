import ControlTranslate

/// Sorts documents by kind and hands each to its reader.
struct ResourceDecoder {
    let file: String
    private(set) var contents = ResourceFile.Contents()

    init(file: String) {
        self.file = file
    }

    private static let coreKinds: Set<String> = ["Namespace", "Node", "ServiceAccount", "Pod", "Service"]

    mutating func decode(_ document: DataNode) {
        if document.content == .null { return }
        var root = MapReader(document, path: "")
        guard root.problems.isEmpty else {
            let message = "expected a resource (a mapping with apiVersion and kind), found \(document.summary)"
            report(.error, document.line, resource: "", message)
            return
        }
        let version = root.text("apiVersion") ?? ""
        guard let kind = root.text("kind"), !kind.isEmpty, !version.isEmpty else {
            report(.error, document.line, resource: "", "has no apiVersion or no kind; ignored")
            return
        }
        if version == "v1", kind == "List" || (kind.hasSuffix("List") && Self.coreKinds.contains(item(of: kind))) {
            decodeList(&root)
            return
        }
        // Every status is written by machines; those parts we need are asked for by the kind's reader.
        decode(&root, group: APIGroup(version), kind: kind)
    }

    private func item(of listKind: String) -> String { String(listKind.dropLast(4)) }

    /// Nesting is bounded by the depth of the document.
    private mutating func decodeList(_ root: inout MapReader) {
        for item in root.list("items") ?? [] {
            decode(item)
        }
        for problem in root.problems {
            report(.error, problem.line, resource: "List", "\(problem.field) \(problem.reason); ignored")
        }
    }

    private mutating func decode(_ root: inout MapReader, group: APIGroup, kind: String) {
        switch (group.name, kind) {
        case ("", "Namespace"):
            add(&root, group, ["v1"], hasNamespace: false, \.namespaces) { reader, metadata, _ in
                reader.skip(["spec", "status"])
                return NamespaceResource(metadata: metadata)
            }
        case ("", "Node"):
            add(&root, group, ["v1"], hasNamespace: false, \.nodes) { reader, metadata, _ in
                reader.skip(["spec", "status"])
                return NodeResource(metadata: metadata)
            }
        case ("", "ServiceAccount"):
            add(&root, group, ["v1"], \.serviceAccounts) { reader, metadata, _ in
                reader.skip(["secrets", "imagePullSecrets", "automountServiceAccountToken"])
                return ServiceAccountResource(metadata: metadata)
            }
        case ("", "ConfigMap") where MeshConfigDecoder.isMeshConfig(root):
            add(&root, group, ["v1"], \.meshConfigs) { reader, metadata, _ in
                MeshConfigDecoder.decode(&reader, metadata)
            }
        case ("", "Pod"): add(&root, group, ["v1"], \.pods) { PodDecoder.decode(&$0, $1, $2) }
        case ("", "Service"): add(&root, group, ["v1"], \.services) { reader, metadata, _ in
            ServiceDecoder.decode(&reader, metadata)
        }
        case ("discovery.k8s.io", "EndpointSlice"):
            add(&root, group, ["v1", "v1beta1"], \.endpointSlices) { reader, metadata, _ in
                EndpointSliceDecoder.decode(&reader, metadata)
            }
        case ("networking.k8s.io", "NetworkPolicy"):
            add(&root, group, ["v1"], \.networkPolicies) { NetworkPolicyDecoder.decode(&$0, $1, $2) }
        case ("networking.istio.io", "ServiceEntry"):
            add(&root, group, ["v1", "v1beta1", "v1alpha3"], \.serviceEntries) { reader, metadata, _ in
                ServiceEntryDecoder.decode(&reader, metadata)
            }
        case ("networking.istio.io", "WorkloadEntry"):
            add(&root, group, ["v1", "v1beta1", "v1alpha3"], \.workloadEntries) { reader, metadata, _ in
                WorkloadEntryDecoder.decode(&reader, metadata)
            }
        case ("networking.istio.io", "DestinationRule"):
            add(&root, group, ["v1", "v1beta1", "v1alpha3"], \.destinationRules) { reader, metadata, _ in
                DestinationRuleDecoder.decode(&reader, metadata)
            }
        case ("apus.io", "TrafficGuard"):
            add(&root, group, ["v1"], \.trafficGuards) { reader, metadata, _ in
                TrafficGuardDecoder.decode(&reader, metadata)
            }
        case ("security.istio.io", "AuthorizationPolicy"):
            contents.resources.authorizationPolicies += SecurityDecoder(file: file, group: group)
                .authorizationPolicy(&root, &contents.findings)
        case ("security.istio.io", "PeerAuthentication"):
            contents.resources.peerAuthentications += SecurityDecoder(file: file, group: group)
                .peerAuthentication(&root, &contents.findings)
        case ("security.istio.io", "RequestAuthentication"):
            contents.resources.requestAuthentications += SecurityDecoder(file: file, group: group)
                .requestAuthentication(&root, &contents.findings)
        case ("gateway.networking.k8s.io", _): decodeGateway(&root, group: group, kind: kind)
        default:
            leaveOut(&root, group, kind)
        }
    }

    private mutating func decodeGateway(_ root: inout MapReader, group: APIGroup, kind: String) {
        switch kind {
        case "Gateway":
            add(&root, group, ["v1", "v1beta1"], \.gateways) { reader, metadata, _ in
                GatewayDecoder.decode(&reader, metadata)
            }
        case "HTTPRoute":
            add(&root, group, ["v1", "v1beta1"], \.httpRoutes) { reader, metadata, _ in
                RouteDecoder.decode(&reader, metadata, as: HTTPRouteKind.self)
            }
        case "GRPCRoute":
            add(&root, group, ["v1", "v1alpha2"], \.grpcRoutes) { reader, metadata, _ in
                RouteDecoder.decode(&reader, metadata, as: GRPCRouteKind.self)
            }
        case "TCPRoute":
            add(&root, group, ["v1", "v1alpha2"], \.tcpRoutes) { reader, metadata, _ in
                RouteDecoder.decode(&reader, metadata, as: TCPRouteKind.self)
            }
        case "TLSRoute":
            add(&root, group, ["v1", "v1alpha3", "v1alpha2"], \.tlsRoutes) { reader, metadata, _ in
                RouteDecoder.decode(&reader, metadata, as: TLSRouteKind.self)
            }
        case "ReferenceGrant":
            add(&root, group, ["v1", "v1beta1", "v1alpha2"], \.referenceGrants) { reader, metadata, _ in
                ReferenceGrantDecoder.decode(&reader, metadata)
            }
        default: leaveOut(&root, group, kind)
        }
    }

    /// Reads one resource of a kind where a problem costs only the field it sits in.
    private mutating func add<Resource: MeshResource>(
        _ root: inout MapReader, _ group: APIGroup, _ versions: Set<String>, hasNamespace: Bool = true,
        _ list: WritableKeyPath<ResourceSet, [Resource]>,
        _ read: (inout MapReader, ResourceMetadata, PodResource.Controller?) -> Resource?
    ) {
        let (metadata, controller) = root.metadata(file: file, hasNamespace: hasNamespace)
        let title = "\(Resource.kind) \(metadata.key)"
        guard versions.contains(group.version) else {
            let expected = versions.sorted().joined(separator: ", ")
            report(.error, root.line, resource: title, "version \(group.version): expected \(expected); ignored")
            return
        }
        guard !metadata.name.isEmpty, !hasNamespace || !metadata.namespace.isEmpty else {
            for problem in root.problems {
                report(.error, problem.line, resource: title, "\(problem.field) \(problem.reason); ignored")
            }
            return
        }
        let resource = read(&root, metadata, controller)
        root.complainAboutTheRest()
        if let resource { contents.resources[keyPath: list].append(resource) }
        let consequence = resource == nil ? "the resource is ignored" : "it is ignored"
        for problem in root.problems {
            report(.error, problem.line, resource: title, "\(problem.field) \(problem.reason); \(consequence)")
        }
    }

    private mutating func leaveOut(_ root: inout MapReader, _ group: APIGroup, _ kind: String) {
        let (metadata, _) = root.metadata(file: file, hasNamespace: true)
        let title = "\(kind) \(metadata.key)"
        switch group.name {
        case "security.istio.io":
            report(.error, root.line, resource: title, "\(kind) is not supported yet; it is not in force")
        case "gateway.networking.k8s.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io":
            report(.warning, root.line, resource: title, "\(kind) is not supported yet; ignored")
        default:
            report(.warning, root.line, resource: title, "\(group)/\(kind) is none of the mesh's kinds; ignored")
        }
    }

    private mutating func report(_ severity: Finding.Severity, _ line: Int, resource: String, _ message: String) {
        contents.findings.append(
            Finding(severity, ResourceOrigin(file: file, line: line), resource: resource, message))
    }
}

/// `apiVersion` in its two parts.
struct APIGroup: Hashable, Sendable, CustomStringConvertible {
    /// Empty for the core group.
    let name: String
    let version: String

    init(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        name = parts.count == 2 ? String(parts[0]) : ""
        version = String(parts.last ?? "")
    }

    var description: String { name.isEmpty ? version : "\(name)/\(version)" }
}
