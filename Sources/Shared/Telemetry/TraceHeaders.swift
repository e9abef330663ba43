/// A family of header fields that carry a trace context. Named as OpenTelemetry's OTEL_PROPAGATORS names them.
package enum TracePropagator: String, Hashable, Sendable, CaseIterable {
    /// `traceparent`, `tracestate` (W3C Trace Context).
    case tracecontext
    /// `b3` (B3, single header).
    case b3
    /// `x-b3-traceid` and others (B3, multiple headers).
    case b3multi
}

/// What a request's header fields say of its trace; pure. Sources: W3C Trace Context; B3 Propagation.
package struct TraceHeaders: Hashable, Sendable {
    /// The caller's span; `nil`: none was told, or what was told is wrong.
    package var parent: TraceContext?
    /// Whether the parent has decided; B3 may leave that to us, and may decide without naming a trace.
    package var decision: Bool?
    /// The families that the caller used, which those behind us understand.
    package var families: Set<TracePropagator> = []

    /// A request that says nothing.
    package init() {}

    /// - Parameter value: the value of the field of this lower-case name, several joined by
    ///   commas; `nil`: there is none.
    package init(_ value: (String) -> String?) {
        if let text = value("traceparent") { readW3C(text, state: value("tracestate")) }
        if let text = value("b3") { readB3(text) }
        readB3(value)
    }

    /// The first family that names a parent is believed.
    private mutating func take(_ context: TraceContext?, _ decision: Bool?, _ family: TracePropagator) {
        families.insert(family)
        guard parent == nil else { return }
        parent = context
        if let decision { self.decision = decision }
    }

    /// `VERSION-TRACE-SPAN-FLAGS`. Later versions may add parts; a value that breaks the rules counts as none.
    private mutating func readW3C(_ text: String, state: String?) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].count == 2, let version = UInt64(hexDigits: parts[0]), version != 0xff,
            version != 0 || parts.count == 4, parts[1].count == 32, let trace = TraceID(hex: parts[1]),
            let span = SpanID(hex: parts[2]), parts[3].count == 2, let flags = UInt64(hexDigits: parts[3])
        else { return }
        let isSampled = flags & 1 == 1
        let state = state.flatMap { $0.utf8.count <= TelemetryLimits.traceStateBytesMax ? $0 : nil } ?? ""
        take(
            TraceContext(traceID: trace, spanID: span, isSampled: isSampled, state: state), isSampled, .tracecontext)
    }

    /// `TRACE-SPAN[-DECISION[-PARENT]]`, or a decision alone.
    private mutating func readB3(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        if parts.count == 1 {
            guard let decision = Self.decision(text) else { return }
            return take(nil, decision, .b3)
        }
        guard parts.count <= 4, let trace = TraceID(hex: parts[0]), let span = SpanID(hex: parts[1]) else { return }
        let decision = parts.count > 2 ? Self.decision(String(decoding: parts[2], as: UTF8.self)) : nil
        take(TraceContext(traceID: trace, spanID: span, isSampled: decision ?? false), decision, .b3)
    }

    private mutating func readB3(_ value: (String) -> String?) {
        let decision = value("x-b3-flags") == "1" ? true : value("x-b3-sampled").flatMap(Self.decision)
        if let traceText = value("x-b3-traceid"), let spanText = value("x-b3-spanid"),
            let trace = TraceID(hex: traceText.utf8), let span = SpanID(hex: spanText.utf8)
        {
            take(TraceContext(traceID: trace, spanID: span, isSampled: decision ?? false), decision, .b3multi)
        } else if let decision {
            take(nil, decision, .b3multi)
        }
    }

    private static func decision(_ text: String) -> Bool? {
        switch text {
        case "1", "d", "true": true
        case "0", "false": false
        default: nil
        }
    }

    /// Every field that may carry a context; what is written replaces them.
    package static let names = [
        "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled",
        "x-b3-flags",
    ]

    /// The fields that tell those behind us of a span of ours.
    /// - Parameter parent: the span that ours belongs to; B3 tells it too.
    package static func fields(
        _ context: TraceContext, parent: SpanID?, in families: Set<TracePropagator>
    ) -> [(name: String, value: String)] {
        let (trace, span) = (context.traceID.description, context.spanID.description)
        var fields: [(name: String, value: String)] = []
        if families.contains(.tracecontext) {
            fields.append(("traceparent", "00-\(trace)-\(span)-\(context.isSampled ? "01" : "00")"))
            if !context.state.isEmpty { fields.append(("tracestate", context.state)) }
        }
        let decision = context.isSampled ? "1" : "0"
        if families.contains(.b3) {
            let suffix = parent.map { "-\($0)" } ?? ""
            fields.append(("b3", "\(trace)-\(span)-\(decision)\(suffix)"))
        }
        if families.contains(.b3multi) {
            fields += [("x-b3-traceid", trace), ("x-b3-spanid", span), ("x-b3-sampled", decision)]
            if let parent { fields.append(("x-b3-parentspanid", parent.description)) }
        }
        return fields
    }
}
