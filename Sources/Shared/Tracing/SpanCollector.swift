package import MeshTelemetry

/// Where spans go.
package protocol SpanCollector: Sendable {
    /// Sends one batch and waits for the answer.
    /// Errors: why it was not taken, and whether it may be sent again.
    func export(_ spans: [Span]) async throws(ExportError)
}

/// Why a batch of spans was not taken.
package enum ExportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It may be taken later; the collector may say how long to wait.
    case tryAgain(reason: String, after: Duration?)
    /// It will never be taken.
    case refused(reason: String)

    package var description: String {
        switch self {
        case .tryAgain(let reason, _): "the collector did not take spans: \(reason); it is tried again"
        case .refused(let reason): "the collector refused spans: \(reason); check its address and protocol"
        }
    }
}
