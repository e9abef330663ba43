import MeshModel

/// What connections are counted apart by. Two connections with equal labels share one set of counters.
package struct TrafficLabels: Hashable, Sendable {
    let reporter: Reporter
    let source: PartyLabels
    let destination: PartyLabels
    let service: ConnectionService?
    let isMutualTLS: Bool
    /// Stands for all label sets beyond the limit.
    let isOverflow: Bool

    package init(_ fields: ConnectionFields) {
        reporter = fields.reporter
        // The source's principal is only what TLS proved; the destination's also what discovery assigned.
        source = PartyLabels(fields.source, principal: fields.source.identity)
        destination = PartyLabels(
            fields.destination, principal: fields.destination.identity ?? fields.destination.assignedIdentity)
        service = fields.service
        isMutualTLS = fields.isMutualTLS
        isOverflow = false
    }

    private init(overflowOf labels: TrafficLabels) {
        reporter = labels.reporter
        source = PartyLabels(ConnectionParty(), principal: nil)
        destination = source
        service = nil
        isMutualTLS = labels.isMutualTLS
        isOverflow = true
    }

    /// The set that counts instead of this one when there are too many.
    var overflow: TrafficLabels { TrafficLabels(overflowOf: self) }
}

/// The labels of one side.
struct PartyLabels: Hashable, Sendable {
    let workload: String
    let canonicalService: String
    let canonicalRevision: String
    let namespace: String
    let app: String
    let cluster: String
    let principal: Identity?
    let region: String
    let zone: String
    let isKnown: Bool

    init(_ party: ConnectionParty, principal: Identity?) {
        workload = party.workloadName
        canonicalService = party.canonicalName
        canonicalRevision = party.canonicalRevision
        namespace = party.namespace
        app = party.appName
        cluster = party.clusterID
        self.principal = principal
        region = party.locality.region
        zone = party.locality.zone
        isKnown = party.isKnown
    }
}
