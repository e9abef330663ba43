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
}
