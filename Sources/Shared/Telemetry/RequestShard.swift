package import MeshModel

/// The requests that one event loop counts. Not `Sendable`: it lives on its loop; others get a `snapshot()` from there.
package final class RequestShard {
    private var partyNumbers: [PartyLabels: PartyNumber] = [:]
    private var parties: [PartyLabels] = []
    private var serviceNumbers: [ConnectionService: ServiceNumber] = [:]
    private var services: [ConnectionService] = []
    private var places: [RequestKey: Int] = [:]
    private var keys: [RequestKey] = []
    private var values: [RequestValues] = []
    private var overflows = 0
    private let seriesMax: Int
    private let partiesMax: Int
    private let clock: TelemetryClock

    package init(
        seriesMax: Int = TelemetryLimits.requestSeriesPerShardMax,
        partiesMax: Int = TelemetryLimits.requestPartiesPerShardMax, clock: TelemetryClock = .system
    ) {
        self.seriesMax = seriesMax
        self.partiesMax = partiesMax
        self.clock = clock
    }

    /// The number of a source or a destination. Asked once per call and once per endpoint, not per request.
    /// - Parameter principal: a source's only when TLS has proven it.
    package func party(_ party: ConnectionParty, principal: Identity?) -> PartyNumber {
        let labels = PartyLabels(party, principal: principal)
        if let known = partyNumbers[labels] { return known }
        guard parties.count < partiesMax else { return .overflow }
        let number = PartyNumber(index: Int32(parties.count))
        parties.append(labels)
        partyNumbers[labels] = number
        return number
    }

    /// The number of a service; as `party`.
    package func service(_ service: ConnectionService?) -> ServiceNumber {
        guard let service else { return .none }
        if let known = serviceNumbers[service] { return known }
        guard services.count < partiesMax else { return .overflow }
        let number = ServiceNumber(index: Int32(services.count))
        services.append(service)
        serviceNumbers[service] = number
        return number
    }

    /// One more request. Beyond the limit of series it is counted under "other".
    /// - Parameter trace: told as an example when it is sampled.
    package func count(_ key: RequestKey, _ amounts: RequestAmounts, trace: TraceContext? = nil) {
        let place = place(of: key)
        values[place].requests += 1
        let bucket = values[place].duration.record(amounts.durationMilliseconds)
        values[place].requestBytes.record(Double(amounts.requestBytes))
        values[place].responseBytes.record(Double(amounts.responseBytes))
        if key.spoken == .grpc {
            values[place].requestMessages += amounts.requestMessages
            values[place].responseMessages += amounts.responseMessages
        }
        guard let trace, trace.isSampled else { return }
        let exemplar = Exemplar(
            trace: trace, value: amounts.durationMilliseconds, timeMicroseconds: clock.wallMicroseconds())
        values[place].keep(exemplar, in: bucket)
    }

    private func place(of key: RequestKey) -> Int {
        if let known = places[key] { return known }
        var key = key
        if keys.count >= seriesMax {
            overflows += 1
            key = key.overflow
            if let known = places[key] { return known }
        }
        let place = keys.count
        keys.append(key)
        values.append(RequestValues())
        places[key] = place
        return place
    }

    /// What was counted up to now, for another thread. Cheap: arrays are shared until the next change.
    package func snapshot() -> RequestSnapshot {
        var snapshot = RequestSnapshot()
        snapshot.parts = [
            RequestSnapshot.Part(parties: parties, services: services, keys: keys, values: values, overflows: overflows)
        ]
        return snapshot
    }
}

/// The counters of one series.
struct RequestValues: Hashable, Sendable {
    var requests = 0
    var duration = Histogram()
    var requestBytes = Histogram()
    var responseBytes = Histogram()
    var requestMessages = 0
    var responseMessages = 0
    /// Of the durations, by bucket; empty until a request was traced.
    private(set) var exemplars: [Exemplar?] = []

    mutating func keep(_ exemplar: Exemplar, in bucket: Int) {
        if exemplars.isEmpty { exemplars = [Exemplar?](repeating: nil, count: Histogram.bounds.count + 1) }
        exemplars[bucket] = exemplar
    }

    mutating func add(_ other: RequestValues) {
        requests += other.requests
        duration.add(other.duration)
        requestBytes.add(other.requestBytes)
        responseBytes.add(other.responseBytes)
        requestMessages += other.requestMessages
        responseMessages += other.responseMessages
        for (bucket, exemplar) in other.exemplars.enumerated() {
            guard let exemplar else { continue }
            let known = exemplars.isEmpty ? nil : exemplars[bucket]
            if (known?.timeMicroseconds ?? .min) < exemplar.timeMicroseconds { keep(exemplar, in: bucket) }
        }
    }
}

/// What request shards counted up to a moment; shards add up.
package struct RequestSnapshot: Sendable {
    struct Part: Sendable {
        var parties: [PartyLabels]
        var services: [ConnectionService]
        var keys: [RequestKey]
        var values: [RequestValues]
        var overflows: Int
    }

    var parts: [Part] = []

    /// Nothing counted: what a reader returns whose loop is gone.
    package static let empty = RequestSnapshot()

    mutating func add(_ other: RequestSnapshot) { parts += other.parts }

    var overflows: Int { parts.reduce(0) { $0 + $1.overflows } }

    /// Series of equal labels added up, by labels.
    func series() -> [RequestLabels: RequestValues] {
        var series: [RequestLabels: RequestValues] = [:]
        for part in parts {
            for (key, values) in zip(part.keys, part.values) {
                series[RequestLabels(key, in: part), default: RequestValues()].add(values)
            }
        }
        return series
    }
}
