/// The name of a trace: 128 bits, not all zero. Written as 32 hexadecimal digits.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// `nil` for all zeros.
    package init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// A new one.
    package init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next() | 1
    }

    /// 32 digits, or 16 as B3 allows.
    init?(hex: some Collection<UInt8>) {
        if hex.count == 16, let low = UInt64(hexDigits: hex) {
            self.init(high: 0, low: low)
        } else if hex.count == 32, let high = UInt64(hexDigits: hex.prefix(16)),
            let low = UInt64(hexDigits: hex.dropFirst(16))
        {
            self.init(high: high, low: low)
        } else {
            return nil
        }
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    var bytes: [UInt8] {
        var text: [UInt8] = []
        text.append(hex: high)
        text.append(hex: low)
        return text
    }
}

/// The name of a span in its trace: 64 bits, not all zero. Written as 16 hexadecimal digits.
package struct SpanID: Hashable, Sendable, CustomStringConvertible {
    package let raw: UInt64

    /// `nil` for zero.
    package init?(_ raw: UInt64) {
        guard raw != 0 else { return nil }
        self.raw = raw
    }

    /// A new one.
    package init(using generator: inout some RandomNumberGenerator) { raw = generator.next() | 1 }

    /// 16 digits.
    init?(hex: some Collection<UInt8>) {
        guard hex.count == 16, let raw = UInt64(hexDigits: hex) else { return nil }
        self.init(raw)
    }

    package var description: String {
        var text: [UInt8] = []
        text.append(hex: raw)
        return String(decoding: text, as: UTF8.self)
    }
}

/// Where a request stands in a trace.
package struct TraceContext: Hashable, Sendable {
    package var traceID: TraceID
    /// The span that what follows belongs to.
    package var spanID: SpanID
    /// Whether its spans are exported. Decided once, where the trace begins.
    package var isSampled: Bool
    /// What other tracing systems keep with it (W3C `tracestate`), as it came; empty: nothing.
    package var state = ""

    package init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String = "") {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// The same trace, in another span.
    package func with(_ span: SpanID) -> TraceContext {
        var context = self
        context.spanID = span
        return context
    }
}

extension UInt64 {
    /// Lower-case hexadecimal digits, at most 16; `nil` for anything else.
    init?(hexDigits text: some Collection<UInt8>) {
        guard !text.isEmpty, text.count <= 16 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self = value
    }
}

extension [UInt8] {
    /// All 16 digits.
    mutating func append(hex value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xf
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
