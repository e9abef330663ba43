package import MeshModel

/// Who reports a connection: the client's node proxy, the server's, or a waypoint between them.
package enum Reporter: String, Hashable, Sendable, CaseIterable {
    case source
    case destination
    case waypoint

    /// What the log calls it.
    package var direction: String { self == .source ? "outbound" : "inbound" }

    /// Position in `allCases`.
    var index: Int {
        switch self {
        case .source: 0
        case .destination: 1
        case .waypoint: 2
        }
    }
}

/// One side of a connection as far as it is known; empty text is unknown.
package struct ConnectionParty: Hashable, Sendable {
    /// The pod; only in the log.
    package var podName = ""
    package var workloadName = ""
    package var namespace = ""
    package var canonicalName = ""
    package var canonicalRevision = ""
    /// Canonical name, or the workload's where only baggage is known.
    package var appName = ""
    package var clusterID = ""
    /// The kind of resource that made it; only in traces.
    package var workloadType = ""
    package var locality = Locality()
    /// Proven by mutual TLS on this connection.
    package var identity: Identity?
    /// What discovery says its identity is, proven or not.
    package var assignedIdentity: Identity?

    /// Nothing known.
    package init() {}

    /// As discovery knows it.
    /// - Parameter identity: what mutual TLS proved; `nil` for plain text.
    package init(_ workload: Workload, identity: Identity?) {
        podName = workload.name
        workloadName = workload.workloadName
        namespace = workload.namespace
        canonicalName = workload.canonicalName
        canonicalRevision = workload.canonicalRevision
        appName = workload.canonicalName
        clusterID = workload.clusterID
        workloadType = workload.workloadType.rawValue
        locality = workload.locality
        self.identity = identity
        assignedIdentity = workload.identity
    }

    /// As the peer's baggage tells it: for telemetry, never for authorization.
    package init(
        baggageWorkload workloadName: String, namespace: String, canonicalName: String, canonicalRevision: String,
        clusterID: String, locality: Locality, identity: Identity?
    ) {
        podName = canonicalName
        self.workloadName = workloadName
        self.namespace = namespace
        self.canonicalName = canonicalName
        self.canonicalRevision = canonicalRevision
        appName = workloadName
        self.clusterID = clusterID
        self.locality = locality
        self.identity = identity
    }

    /// Whether discovery or baggage told anything.
    var isKnown: Bool { !workloadName.isEmpty || !namespace.isEmpty || !canonicalName.isEmpty || !podName.isEmpty }
}

/// The service a connection was made to.
package struct ConnectionService: Hashable, Sendable {
    package let hostname: String
    package let namespace: String
    package let name: String

    package init(_ service: Service) {
        hostname = service.hostname
        namespace = service.namespace
        name = service.name
    }
}

/// What log and metrics say about one connection. Same names in both.
package struct ConnectionFields: Hashable, Sendable {
    package var reporter: Reporter
    package var source: ConnectionParty
    package var destination: ConnectionParty
    package var service: ConnectionService?
    /// Log field `src.addr`.
    package var sourceAddress: TransportAddress
    /// Log field `dst.addr`. Outbound: the real peer; inbound HBONE: our 15008; inbound plain text: the original
    /// destination.
    package var destinationAddress: TransportAddress
    /// The authority of the CONNECT request, if there is one.
    package var hboneAuthority: String?
    /// The bytes on the wire are (or, for a hand-over inside this process, would have been) under mutual TLS.
    package var isMutualTLS: Bool

    package init(
        reporter: Reporter, source: ConnectionParty = ConnectionParty(),
        destination: ConnectionParty = ConnectionParty(),
        service: ConnectionService? = nil, sourceAddress: TransportAddress, destinationAddress: TransportAddress,
        hboneAuthority: String? = nil, isMutualTLS: Bool = false
    ) {
        self.reporter = reporter
        self.source = source
        self.destination = destination
        self.service = service
        self.sourceAddress = sourceAddress
        self.destinationAddress = destinationAddress
        self.hboneAuthority = hboneAuthority
        self.isMutualTLS = isMutualTLS
    }
}
