/// Whether requests are traced, and how that is told.
package struct TraceSettings: Hashable, Sendable {
    /// Of the requests whose caller has not decided, in hundredths of a percent, 0 to 10,000.
    package var samplingHundredths: Int
    /// The decision follows from the request's id, so that all proxies on its way decide alike, and an id that we make
    /// shows it. Istio's `useRequestIdForTraceSampling`.
    package var usesRequestID: Bool
    /// In which families a trace that begins here is told; those that the caller used are added.
    package var propagators: Set<TracePropagator>

    package init(
        samplingHundredths: Int = 100, usesRequestID: Bool = true, propagators: Set<TracePropagator> = [.tracecontext]
    ) {
        self.samplingHundredths = samplingHundredths
        self.usesRequestID = usesRequestID
        self.propagators = propagators
    }

    /// Whether this id alone makes proxies trace a request.
    package func traces(_ id: RequestID) -> Bool {
        usesRequestID && (id.share.map { $0 < samplingHundredths } ?? false)
    }

    /// The decision for a request: the caller's, or ours.
    package func decides(
        _ headers: TraceHeaders, requestID: RequestID?, using generator: inout some RandomNumberGenerator
    ) -> Bool {
        if let decision = headers.decision { return decision }
        guard samplingHundredths > 0 else { return false }
        let drawn =
            if usesRequestID, let share = requestID?.share { share } else { Int(generator.next() % 10_000) }
        return drawn < samplingHundredths
    }
}

/// `x-request-id`: any text of a caller, kept as it is; ours are UUIDs of version 4 (RFC 9562) whose first digit of the
/// third group tells, as Envoy's do, why the request is traced. Source: Envoy, UUID request id extension.
package struct RequestID: Hashable, Sendable {
    package private(set) var bytes: [UInt8]

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A caller's.
    package init(_ text: String) { bytes = Array(text.utf8) }

    /// A new one, of a request that is not traced.
    package init(using generator: inout some RandomNumberGenerator) {
        let high = (generator.next() & 0xffff_ffff_ffff_0fff) | 0x4000
        let low = (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
        bytes = []
        bytes.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { bytes.append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: (place < 16 ? high : low) >> UInt64(60 - place % 16 * 4)) & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// The same id, saying that the request was chosen to be traced. Only for ids that we made.
    package var sampled: RequestID {
        var id = self
        if id.bytes.count == 36 { id.bytes[14] = UInt8(ascii: "9") }
        return id
    }

    /// A number below 10,000 that every proxy finds in this id; `nil` when it is no UUID.
    var share: Int? {
        guard bytes.count == 36, let value = UInt64(hexDigits: bytes.prefix(8)) else { return nil }
        return Int(value % 10_000)
    }
}
