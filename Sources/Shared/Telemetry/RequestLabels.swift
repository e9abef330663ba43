import MeshModel

/// The labels of one series of request metrics, in full. `nil` stands for "too many to count apart".
struct RequestLabels: Hashable, Sendable {
    let source: PartyLabels?
    let destination: PartyLabels?
    let service: ConnectionService?
    let isOverflow: Bool
    let status: UInt16
    let grpcStatus: UInt8
    let flags: EnvoyFlags
    let spoken: RequestProtocol
    let isMutualTLS: Bool

    init(_ key: RequestKey, in part: RequestSnapshot.Part) {
        source = key.source == .overflow ? nil : part.parties[Int(key.source.index)]
        destination = key.destination == .overflow ? nil : part.parties[Int(key.destination.index)]
        service = key.service.index < 0 ? nil : part.services[Int(key.service.index)]
        isOverflow = key.service == .overflow
        status = key.status
        grpcStatus = key.grpcStatus
        flags = key.flags
        spoken = key.spoken
        isMutualTLS = key.isMutualTLS
    }

    /// Names and values as Istio's standard metrics have them; all names are always there.
    /// Source: Istio, Reference, Standard Metrics.
    var pairs: [(String, String)] {
        Self.party("source", source) + Self.party("destination", destination) + [
            ("destination_service", text(service?.hostname)),
            ("destination_service_name", text(service?.name)),
            ("destination_service_namespace", text(service?.namespace)),
            ("request_protocol", spoken.name),
            ("response_code", String(status)),
            // Envoy leaves the value empty for what is not gRPC; Prometheus takes that for an absent label.
            ("grpc_response_status", grpcStatus == RequestKey.noStatus ? "" : String(grpcStatus)),
            ("response_flags", flags.text),
            ("connection_security_policy", isMutualTLS ? "mutual_tls" : "none"),
        ]
    }

    private static func party(_ side: String, _ party: PartyLabels?) -> [(String, String)] {
        let unknown = party == nil ? "other" : "unknown"
        func text(_ value: String?) -> String { value.flatMap { $0.isEmpty ? nil : $0 } ?? unknown }
        return [
            ("\(side)_workload", text(party?.workload)),
            ("\(side)_workload_namespace", text(party?.namespace)),
            ("\(side)_principal", text(party?.principal?.description)),
            ("\(side)_app", text(party?.app)),
            ("\(side)_version", text(party?.canonicalRevision)),
            ("\(side)_cluster", text(party?.cluster)),
            ("\(side)_canonical_service", text(party?.canonicalService)),
            ("\(side)_canonical_revision", party?.isKnown == true && party?.canonicalRevision == ""
                ? "latest" : text(party?.canonicalRevision)),
        ]
    }

    private func text(_ value: String?) -> String { value ?? (isOverflow ? "other" : "unknown") }
}
