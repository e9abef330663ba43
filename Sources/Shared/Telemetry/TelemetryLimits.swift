/// Limits of this room, each chosen by us.
package enum TelemetryLimits {
    /// Bytes of log lines waiting for the writer; beyond that lines are dropped and counted. Some 2,500 access lines.
    package static let logQueueBytesMax = 1 << 20

    /// How long the writer gathers lines before it writes them: the delay of a line, and the bound on wake-ups.
    package static let logGatherMilliseconds = 5

    /// Label sets one event loop counts apart; further ones share the set "other". A label set names two workloads
    /// (deployments, not pods), so a node talks with a few hundred; 4,096 take about 4 MiB.
    package static let labelSetsPerShardMax = 4096

    /// Bytes of one log value that a peer chose; the rest is cut. An authority or an error text is far shorter.
    package static let logValueBytesMax = 2048

    /// Bytes of storage that are kept for the next line of a request: one with several values cut at their limit.
    package static let logScratchBytesMax = 16_384

    /// Series of requests that one event loop counts apart; further ones are counted under "other". A series takes
    /// about 1 KiB here and 60 KiB of the metrics page, for it has three histograms, as Istio's.
    package static let requestSeriesPerShardMax = 1024

    /// Workloads and, apart from them, services that one event loop knows by number for its series of requests.
    package static let requestPartiesPerShardMax = 4096

    /// Finished spans waiting to be exported; beyond that spans are dropped and counted. OpenTelemetry's default of
    /// OTEL_BSP_MAX_QUEUE_SIZE.
    package static let spanQueueMax = 2048

    /// Bytes of one attribute of a span that a peer chose; the rest is cut. Envoy's default for paths.
    package static let spanValueBytesMax = 256

    /// Bytes of a `tracestate` that is passed on: what every participant must be able to carry (W3C Trace Context,
    /// section 3.3.1.5). A longer one is left out.
    package static let traceStateBytesMax = 512
}
