internal import MeshModel
internal import MeshProxy
internal import MeshTelemetry

/// What is known of a connection, put into the shape of log and metrics.
extension ConnectionFields {
    init(
        outbound client: TransportAddress, source: Workload, destination: TransportAddress, workload: Workload?,
        service: Service?
    ) {
        self.init(
            reporter: .source,
            source: ConnectionParty(source, identity: nil),
            destination: workload.map { ConnectionParty($0, identity: nil) } ?? ConnectionParty(),
            service: service.map(ConnectionService.init),
            sourceAddress: client,
            destinationAddress: destination
        )
    }

    init(
        inbound client: TransportAddress, source: Workload?, destination: TransportAddress, workload: Workload?,
        service: Service?
    ) {
        self.init(
            reporter: .destination,
            source: source.map { ConnectionParty($0, identity: nil) } ?? ConnectionParty(),
            destination: workload.map { ConnectionParty($0, identity: nil) } ?? ConnectionParty(),
            service: service.map(ConnectionService.init),
            sourceAddress: client,
            destinationAddress: destination
        )
    }

    /// Both identities were proven by mutual TLS, or both pods are this node's own.
    mutating func secure(source identity: Identity, destination peer: Identity, authority: String?) {
        source.identity = identity
        destination.identity = peer
        hboneAuthority = authority
        isMutualTLS = true
    }

    /// What the caller's node says of it; used only where discovery knows nothing.
    mutating func describeSource(by baggage: Baggage) {
        source = ConnectionParty(
            baggageWorkload: baggage.workloadName, namespace: baggage.namespace, canonicalName: baggage.canonicalName,
            canonicalRevision: baggage.canonicalRevision, clusterID: baggage.clusterID,
            locality: Locality(region: baggage.region, zone: baggage.zone), identity: nil
        )
    }
}
