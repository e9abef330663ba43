internal import MeshDiscovery
internal import MeshModel
package import MeshTelemetry

/// Where spans go and which requests have them.
package struct GatewayTracing: Sendable {
    package let settings: TraceSettings
    package let queue: SpanQueue
    package let origin: SpanOrigin

    package init(settings: TraceSettings, queue: SpanQueue, origin: SpanOrigin) {
        self.settings = settings
        self.queue = queue
        self.origin = origin
    }
}

/// What one loop counts of requests, and where it leaves their spans.
final class RequestTelemetry {
    let shard = RequestShard()
    /// `nil`: no collector is known; header fields of traces pass as they are.
    let tracing: GatewayTracing?
    /// Workloads that were reached, by uid, as they are in the present world.
    private var destinations: [String: PartyNumber] = [:]
    private var services: [ServiceKey: ServiceNumber] = [:]
    /// What was asked for last: requests of one call ask for the same.
    private var lastTarget: (target: CallTarget, number: ServiceNumber)?
    private lazy var nowhere = shard.party(ConnectionParty(), principal: nil)

    init(_ tracing: GatewayTracing? = nil) { self.tracing = tracing }

    /// Labels may have changed.
    func worldChanged() {
        destinations.removeAll(keepingCapacity: true)
        services.removeAll(keepingCapacity: true)
        lastTarget = nil
    }

    /// An id for a request that has none. It shows whether it makes proxies trace the request.
    func requestID(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let id = RequestID(using: &generator)
        return (tracing?.settings.traces(id) ?? false ? id.sampled : id).bytes
    }

    func destination(_ hop: EndpointHop?) -> PartyNumber {
        guard let hop else { return nowhere }
        if let known = destinations[hop.workload.uid] { return known }
        let number = shard.party(
            ConnectionParty(hop.workload, identity: nil), principal: hop.isTunnel ? hop.workload.identity : nil)
        destinations[hop.workload.uid] = number
        return number
    }

    func service(of target: CallTarget) -> ServiceNumber {
        if let lastTarget, lastTarget.target === target { return lastTarget.number }
        let number = self.number(of: target)
        lastTarget = (target, number)
        return number
    }

    private func number(of target: CallTarget) -> ServiceNumber {
        guard let key = target.routeTarget?.service, let service = target.service else { return .none }
        if let known = services[key] { return known }
        let number = shard.service(ConnectionService(service))
        services[key] = number
        return number
    }
}

/// Who calls, as telemetry tells it: what discovery knows of the address, and the name that TLS has proven.
final class CallSource {
    let party: ConnectionParty
    let number: PartyNumber

    init(_ call: Call) {
        let (loop, caller) = (call.loop, call.caller)
        let workload = loop.world.workload(network: loop.settings.network, ip: caller.client.ip)
        var party = workload.map { ConnectionParty($0, identity: caller.identity) } ?? ConnectionParty()
        // An address can change hands while discovery is on its way; the name cannot.
        party.identity = caller.identity
        party.namespace = caller.identity.namespace
        self.party = party
        number = loop.telemetry.shard.party(party, principal: caller.identity)
    }
}
