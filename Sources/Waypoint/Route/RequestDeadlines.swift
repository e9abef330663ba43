package import MeshModel

/// How long a request and each of its tries may take; `nil`: no limit.
package struct RequestDeadlines: Hashable, Sendable {
    package let request: Duration?
    package let attempt: Duration?

    /// The limits of a rule. What a gRPC caller asks for holds where it is shorter.
    package init(_ timeouts: RouteTimeouts, for head: RequestHead) {
        let asked = head.isGRPC ? head.headers.joined("grpc-timeout".utf8).flatMap(Self.grpcTimeout) : nil
        let limit = timeouts.request?.duration
        request = if let asked, let limit { min(asked, limit) } else { asked ?? limit }
        attempt = timeouts.backendRequest?.duration
    }

    /// At most eight digits and a unit, so that nothing overflows; `nil` for anything else.
    package static func grpcTimeout(_ bytes: ArraySlice<UInt8>) -> Duration? {
        let digits = bytes.dropLast()
        guard (1...8).contains(digits.count), digits.allSatisfy(ByteSet.digits.contains),
            let count = Int64(String(decoding: digits, as: UTF8.self))
        else { return nil }
        switch bytes.last {
        case UInt8(ascii: "H"): return .seconds(count * 3600)
        case UInt8(ascii: "M"): return .seconds(count * 60)
        case UInt8(ascii: "S"): return .seconds(count)
        case UInt8(ascii: "m"): return .milliseconds(count)
        case UInt8(ascii: "u"): return .microseconds(count)
        case UInt8(ascii: "n"): return .nanoseconds(count)
        default: return nil
        }
    }
}
