internal import FoundationEssentials
package import MeshModel
internal import MeshWire
internal import SwiftProtobuf
internal import WaypointRoute

/// The messages of Envoy's service `envoy.service.ratelimit.v3.RateLimitService`.
extension GlobalRateLimit {
    /// What the service is asked.
    /// - Throws: ``ServiceFailure/unaskable(_:)``.
    package func question(
        about facts: RateLimitFacts, to target: RouteTarget
    ) throws(ServiceFailure) -> ServiceQuestion {
        let descriptors = descriptors(of: facts)
        let message = Envoy_Service_Ratelimit_V3_RateLimitRequest.with {
            $0.domain = domain
            $0.descriptors = descriptors.map { descriptor in
                .with {
                    $0.entries = descriptor.entries.map { entry in
                        .with {
                            $0.key = entry.key
                            $0.value = entry.value
                        }
                    }
                }
            }
        }
        let bytes: [UInt8]
        do {
            bytes = try message.serializedBytes()
        } catch {
            throw .unaskable("\(error)")
        }
        return try GRPCMessage.question(
            "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", of: target, message: bytes,
            timeoutNanoseconds: Self.nanoseconds(timeout))
    }

    /// What its answer says. As at Envoy, only OVER_LIMIT refuses.
    /// - Throws: ``ServiceFailure``: it says nothing about the request.
    package func judge(_ answer: ServiceAnswer) throws(ServiceFailure) -> RateLimitVerdict {
        let bytes = try GRPCMessage.message(of: answer)
        let response: Envoy_Service_Ratelimit_V3_RateLimitResponse
        do {
            response = try Envoy_Service_Ratelimit_V3_RateLimitResponse(serializedBytes: Array(bytes))
        } catch {
            throw .malformed("no RateLimitResponse")
        }
        var changes = RequestChanges()
        for header in response.requestHeadersToAdd { changes.request.append(try change(header)) }
        for header in response.responseHeadersToAdd { changes.answer.append(try change(header)) }
        let standing = Self.standing(response)
        guard response.overallCode == .overLimit else { return .allowed(changes, standing) }
        var headers = HeaderList()
        headers.append(name: "x-envoy-ratelimited".utf8, value: "true".utf8)
        changes.applyToAnswer(&headers)
        return .limited(
            AuthorizerDenial(status: 429, headers: headers, body: String(decoding: response.rawBody, as: UTF8.self)),
            standing)
    }

    /// Of the limit with the fewest requests left, as Envoy's fields `x-ratelimit-*` tell of it.
    private static func standing(_ response: Envoy_Service_Ratelimit_V3_RateLimitResponse) -> RateStanding? {
        let status = response.statuses.filter(\.hasCurrentLimit).min { $0.limitRemaining < $1.limitRemaining }
        return status.map {
            let reset = $0.durationUntilReset
            return RateStanding(
                limit: $0.currentLimit.requestsPerUnit, remaining: $0.limitRemaining,
                refill: .seconds(max(0, reset.seconds)) + .nanoseconds(max(0, reset.nanos)))
        }
    }

    private static func nanoseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private func change(_ header: Envoy_Config_Core_V3_HeaderValue) throws(ServiceFailure) -> HeaderChange {
        let value = header.rawValue.isEmpty ? header.value : CheckMessage.text(header.rawValue)
        return try HeaderChange(header.key, value, .add)
    }
}
