package import NIOCore

/// Limits of the admin server; choices of ours unless said otherwise.
package struct AdminLimits: Sendable {
    /// From the first byte of a request (or the accept) to the end of its headers; as Istio's ztunnel.
    package var headerTimeout: TimeAmount = .seconds(2)
    /// From the end of the headers to the end of the body.
    package var bodyTimeout: TimeAmount = .seconds(10)
    /// Between two requests on one connection.
    package var idleTimeout: TimeAmount = .seconds(60)
    /// Given to requests in progress when the server stops.
    package var shutdownTimeout: TimeAmount = .seconds(5)
    /// Bytes of a request's body. The largest we take is a list of log filters.
    package var bodyBytesMax = 65_536
    /// Connections open at a time, over all addresses; more are closed at once and counted.
    package var connectionsMax = 128

    package init() {}
}
