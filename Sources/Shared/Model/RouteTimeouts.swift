/// A limit of time that may be set to "none".
package enum RouteTimeout: Hashable, Sendable {
    /// `0s`.
    case disabled
    case after(Duration)

    /// - Throws: ``RouteValueError/duration(_:)`` for a negative duration.
    package init(_ duration: Duration) throws(RouteValueError) {
        guard duration >= .zero else { throw .duration("\(duration)") }
        self = duration == .zero ? .disabled : .after(duration)
    }

    /// The limit, if there is one.
    package var duration: Duration? {
        if case .after(let duration) = self { duration } else { nil }
    }
}

/// How long a request may take.
package struct RouteTimeouts: Hashable, Sendable {
    /// From the client's request to the end of the answer, with all tries; `nil`: not set.
    package let request: RouteTimeout?
    /// Of each try; `nil`: not set.
    package let backendRequest: RouteTimeout?

    /// - Throws: ``RouteValueError/tryLongerThanRequest``.
    package init(request: RouteTimeout? = nil, backendRequest: RouteTimeout? = nil) throws(RouteValueError) {
        if let whole = request?.duration, let one = backendRequest?.duration, one > whole {
            throw .tryLongerThanRequest
        }
        self.request = request
        self.backendRequest = backendRequest
    }

    private init() {
        request = nil
        backendRequest = nil
    }

    package static let none = RouteTimeouts()
}

/// A duration as the Gateway API writes it (GEP-2257): one to four groups of one to five digits and a unit of `h`, `m`,
/// `s`, `ms`; no sign, no decimals.
package struct GatewayDuration: Hashable, Sendable {
    package let duration: Duration

    /// - Throws: ``RouteValueError/duration(_:)``.
    package init(_ text: String) throws(RouteValueError) {
        var rest = text.utf8[...]
        var total = Duration.zero
        var groups = 0
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            groups += 1
            guard (1...5).contains(digits.count), groups <= 4,
                let count = Int64(String(decoding: digits, as: UTF8.self)),
                let scale = Self.milliseconds(String(decoding: unit, as: UTF8.self))
            else { throw .duration(text) }
            total += .milliseconds(count * scale)
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard groups > 0 else { throw .duration(text) }
        duration = total
    }

    private static func milliseconds(_ unit: String) -> Int64? {
        switch unit {
        case "h": 3_600_000
        case "m": 60_000
        case "s": 1000
        case "ms": 1
        default: nil
        }
    }
}
