package import MeshModel

/// How a try at an endpoint ended, as far as the endpoint's health goes.
package enum EndpointOutcome: Hashable, Sendable {
    case success
    /// 500 and above, but none of 502, 503, 504.
    case serverError
    case gatewayError
    /// No answer: the connection failed, was reset, or was too slow.
    case localFailure

    package init(status: UInt16) {
        self =
            switch status {
            case 502...504: .gatewayError
            case 500...: .serverError
            default: .success
            }
    }

    /// By the status of a gRPC answer, as the HTTP status that Envoy takes it for: UNAVAILABLE 503,
    /// DEADLINE_EXCEEDED 504, UNKNOWN, INTERNAL and DATA_LOSS 500, UNIMPLEMENTED 501.
    package init(grpcStatus: UInt8) {
        self =
            switch grpcStatus {
            case 4, 14: .gatewayError
            case 2, 12, 13, 15: .serverError
            default: .success
            }
    }
}

/// Counts failures of endpoints in a row and ejects those that fail too often, for a time that grows with each
/// ejection. Source: Envoy's documentation of outlier detection.
package struct OutlierTable: Sendable {
    /// However often an endpoint was ejected, it is back after this or the base time, whichever is longer.
    package static let ejectionTimeMax: Duration = .seconds(300)

    private struct Record: Sendable {
        var serverErrors: UInt32 = 0
        var gatewayErrors: UInt32 = 0
        var localFailures: UInt32 = 0
        var ejectedAt: Duration?
        var ejections = 0
    }

    private let settings: OutlierDetection
    private var records: [String: Record] = [:]
    private var lastSweep: Duration?
    package private(set) var ejectedCount = 0

    package init(_ settings: OutlierDetection) { self.settings = settings }

    /// The endpoints there are; what is known of others is forgotten.
    package mutating func keep(_ uids: Set<String>) {
        for uid in records.keys where !uids.contains(uid) {
            if records[uid]?.ejectedAt != nil { ejectedCount -= 1 }
            records[uid] = nil
        }
        for uid in uids where records[uid] == nil { records[uid] = Record() }
    }

    /// Whether an endpoint is out.
    package func isEjected(_ uid: String) -> Bool { records[uid]?.ejectedAt != nil }

    /// How many endpoints may be out at once; one always may.
    package var ejectedMax: Int { max(1, records.count * Int(settings.ejectedPercentMax) / 100) }

    /// Takes an outcome in; answers whether the endpoint was ejected because of it.
    @discardableResult
    package mutating func record(_ outcome: EndpointOutcome, of uid: String, now: Duration) -> Bool {
        guard var record = records[uid] else { return false }
        switch outcome {
        case .success:
            (record.serverErrors, record.gatewayErrors, record.localFailures) = (0, 0, 0)
        case .serverError:
            record.serverErrors += 1
            // The endpoint answered, and not as a gateway would.
            (record.gatewayErrors, record.localFailures) = (0, 0)
        case .gatewayError:
            record.serverErrors += 1
            record.gatewayErrors += 1
            record.localFailures = 0
        case .localFailure where settings.splitsLocalFailures:
            record.localFailures += 1
        case .localFailure:
            record.serverErrors += 1
            record.gatewayErrors += 1
        }
        let isOver =
            Self.reached(record.serverErrors, settings.consecutiveServerErrors)
            || Self.reached(record.gatewayErrors, settings.consecutiveGatewayErrors)
            || settings.splitsLocalFailures
                && Self.reached(record.localFailures, settings.consecutiveLocalFailures)
        guard isOver, record.ejectedAt == nil, ejectedCount < ejectedMax else {
            records[uid] = record
            return false
        }
        record.ejectedAt = now
        record.ejections += 1
        (record.serverErrors, record.gatewayErrors, record.localFailures) = (0, 0, 0)
        ejectedCount += 1
        records[uid] = record
        return true
    }

    private static func reached(_ count: UInt32, _ limit: UInt32) -> Bool { limit > 0 && count >= limit }

    /// Lets endpoints back in whose time is over, once an interval. Endpoints that behave are forgiven one ejection.
    /// Answers whether it did anything.
    @discardableResult
    package mutating func sweep(now: Duration) -> Bool {
        guard let last = lastSweep else {
            lastSweep = now
            return false
        }
        guard now - last >= settings.interval else { return false }
        lastSweep = now
        for (uid, record) in records {
            if let ejectedAt = record.ejectedAt {
                guard now - ejectedAt >= ejectionTime(record.ejections) else { continue }
                records[uid]?.ejectedAt = nil
                ejectedCount -= 1
            } else if record.ejections > 0 {
                records[uid]?.ejections -= 1
            }
        }
        return true
    }

    /// How long the endpoint stays out that was ejected so many times.
    package func ejectionTime(_ ejections: Int) -> Duration {
        min(settings.baseEjectionTime * ejections, max(Self.ejectionTimeMax, settings.baseEjectionTime))
    }
}
