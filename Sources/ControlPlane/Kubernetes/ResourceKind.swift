internal import ControlTranslate

/// A kind of the API that the mesh reads.
package struct ResourceKind: Hashable, Sendable {
    package let kind: String
    /// Name in paths.
    package let plural: String
    /// Empty for the core group.
    package let group: String
    /// Versions that the decoders know, best first.
    package let versions: [String]
    /// Only metadata is of use, so only metadata is asked for (kubernetes.io, "Receiving resources as
    /// PartialObjectMetadata"): nodes report their state all the time, and definitions of kinds are large.
    package var isMetadataOnly = false
    /// Only objects of this name are asked for.
    package var onlyName: String?

    package init(
        kind: String, plural: String, group: String, versions: [String], isMetadataOnly: Bool = false,
        onlyName: String? = nil
    ) {
        self.kind = kind
        self.plural = plural
        self.group = group
        self.versions = versions
        self.isMetadataOnly = isMetadataOnly
        self.onlyName = onlyName
    }

    /// `pods`, `gateways.gateway.networking.k8s.io`.
    package var name: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// Everything that the decoders of files read.
    package static let all: [ResourceKind] = [
        ResourceKind(kind: "Namespace", plural: "namespaces", group: "", versions: ["v1"], isMetadataOnly: true),
        ResourceKind(kind: "Node", plural: "nodes", group: "", versions: ["v1"], isMetadataOnly: true),
        ResourceKind(
            kind: "ServiceAccount", plural: "serviceaccounts", group: "", versions: ["v1"], isMetadataOnly: true),
        ResourceKind(
            kind: MeshConfigResource.kind, plural: "configmaps", group: "", versions: ["v1"],
            onlyName: MeshConfigResource.name),
        ResourceKind(kind: "Pod", plural: "pods", group: "", versions: ["v1"]),
        ResourceKind(kind: "Service", plural: "services", group: "", versions: ["v1"]),
        ResourceKind(
            kind: "EndpointSlice", plural: "endpointslices", group: "discovery.k8s.io", versions: ["v1", "v1beta1"]),
        ResourceKind(
            kind: NetworkPolicyResource.kind, plural: "networkpolicies", group: "networking.k8s.io",
            versions: ["v1"]),
    ] + istio + gateway

    private static let istio: [ResourceKind] = [
        ("ServiceEntry", "serviceentries"), ("WorkloadEntry", "workloadentries"),
        ("DestinationRule", "destinationrules"),
    ].map {
        ResourceKind(
            kind: $0, plural: $1, group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"])
    } + [
        ("AuthorizationPolicy", "authorizationpolicies"), ("PeerAuthentication", "peerauthentications"),
        ("RequestAuthentication", "requestauthentications"),
    ].map {
        ResourceKind(kind: $0, plural: $1, group: "security.istio.io", versions: ["v1", "v1beta1"])
    } + [ResourceKind(kind: "TrafficGuard", plural: "trafficguards", group: "apus.io", versions: ["v1"])]

    private static let gateway: [ResourceKind] = [
        ("Gateway", "gateways", ["v1", "v1beta1"]), ("HTTPRoute", "httproutes", ["v1", "v1beta1"]),
        ("GRPCRoute", "grpcroutes", ["v1", "v1alpha2"]), ("TCPRoute", "tcproutes", ["v1", "v1alpha2"]),
        ("TLSRoute", "tlsroutes", ["v1", "v1alpha3", "v1alpha2"]),
        ("ReferenceGrant", "referencegrants", ["v1", "v1beta1", "v1alpha2"]),
    ].map {
        ResourceKind(kind: $0, plural: $1, group: "gateway.networking.k8s.io", versions: $2)
    }

    /// Which kinds there are; not a part of the world, but the reason to look for kinds anew.
    static let definitions = ResourceKind(
        kind: "CustomResourceDefinition", plural: "customresourcedefinitions", group: "apiextensions.k8s.io",
        versions: ["v1", "v1beta1"], isMetadataOnly: true)

    static func path(group: String, version: String) -> String {
        group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
    }
}

/// A kind with the version it is read and written in.
package struct ServedKind: Hashable, Sendable {
    package let kind: ResourceKind
    package let version: String

    package init(kind: ResourceKind, version: String) {
        self.kind = kind
        self.version = version
    }

    var apiVersion: String { kind.group.isEmpty ? version : "\(kind.group)/\(version)" }

    /// What answers should be in.
    var accept: String {
        guard kind.isMetadataOnly else { return "application/json" }
        return "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    }

    /// The same for a list.
    var acceptList: String {
        guard kind.isMetadataOnly else { return "application/json" }
        return "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    }

    var path: String { "\(ResourceKind.path(group: kind.group, version: version))/\(kind.plural)" }

    /// Path of the objects of a namespace; without one, of a kind that is of the whole cluster.
    func collectionPath(namespace: String?) -> String {
        guard let namespace else { return path }
        let group = ResourceKind.path(group: kind.group, version: version)
        return "\(group)/namespaces/\(Self.escaped(namespace))/\(kind.plural)"
    }

    func listPath(continuing: String?, limit: Int?) -> String {
        var query = selection
        if let limit { query.append("limit=\(limit)") }
        if let continuing { query.append("continue=\(Self.escaped(continuing))") }
        return query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))"
    }

    func watchPath(revision: String, timeoutSeconds: Int) -> String {
        let query = [
            "watch=1", "allowWatchBookmarks=true", "resourceVersion=\(Self.escaped(revision))",
            "timeoutSeconds=\(timeoutSeconds)",
        ]
        return "\(path)?\((query + selection).joined(separator: "&"))"
    }

    private var selection: [String] {
        kind.onlyName.map { ["fieldSelector=\(Self.escaped("metadata.name=\($0)"))"] } ?? []
    }

    /// RFC 3986, section 2.3: all but unreserved characters.
    static func escaped(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            let isLetter = (0x61...0x7a).contains(byte | 0x20)
            if isLetter || (0x30...0x39).contains(byte) || "-._~".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
