internal import MeshModel
internal import MeshTelemetry
internal import WaypointRoute

/// The trace of one request: the caller's, or one that begins here.
struct RequestTrace {
    /// The span of the request itself.
    let context: TraceContext
    /// The caller's span.
    let parent: SpanID?
    /// Where the present try arrived; `nil` until it has.
    var upstream: TransportAddress?
    /// The tries that have a span.
    private(set) var attempts: [RequestAttempt] = []
    /// Of the present try.
    private var spanID: SpanID?
    private let told: TraceHeaders

    init(
        _ head: RequestHead, _ settings: TraceSettings, using generator: inout some RandomNumberGenerator
    ) {
        told = TraceHeaders { head.headers[$0] }
        let requestID = head.headers["x-request-id"].map(RequestID.init)
        let isSampled = settings.decides(told, requestID: requestID, using: &generator)
        parent = told.parent?.spanID
        context = TraceContext(
            traceID: told.parent?.traceID ?? TraceID(using: &generator), spanID: SpanID(using: &generator),
            isSampled: isSampled, state: told.parent?.state ?? "")
    }

    /// - Parameter time: microseconds since 1970-01-01T00:00:00Z.
    mutating func beginTry(at time: Int64, using generator: inout some RandomNumberGenerator) {
        (upstream, spanID) = (nil, nil)
        // What the caller decided against goes on as it is.
        if !context.isSampled, told.decision != nil { return }
        let span = SpanID(using: &generator)
        spanID = span
        guard context.isSampled else { return }
        attempts.append(RequestAttempt(spanID: span, startMicroseconds: time))
    }

    /// Tells the endpoint of the try's span; without one, the caller's fields stay as they are.
    func tell(_ headers: inout HeaderList, in propagators: Set<TracePropagator>) {
        guard let spanID else { return }
        headers.removeAll { name in TraceHeaders.names.contains { name.elementsEqual($0.utf8) } }
        let families = told.families.union(propagators)
        for field in TraceHeaders.fields(context.with(spanID), parent: context.spanID, in: families) {
            headers.append(name: field.name.utf8, value: field.value.utf8)
        }
    }

    /// The present try came to nothing that the caller sees.
    mutating func endTry(_ outcome: AttemptOutcome, at time: Int64) {
        switch outcome {
        case .answered(let status, _): endTry(status: Int(status), flags: [], at: time)
        case .connectFailed: endTry(status: 0, flags: EnvoyFlags("UF"), at: time)
        case .refusedStream, .reset: endTry(status: 0, flags: EnvoyFlags("UC"), at: time)
        case .timedOut: endTry(status: 0, flags: EnvoyFlags("UT"), at: time)
        }
    }

    /// What became of the last try.
    mutating func endTry(status: Int, flags: EnvoyFlags, at time: Int64) {
        guard let last = attempts.indices.last, attempts[last].endMicroseconds == nil else { return }
        attempts[last].endMicroseconds = time
        attempts[last].upstream = upstream
        attempts[last].status = status
        attempts[last].flags = flags
    }
}
