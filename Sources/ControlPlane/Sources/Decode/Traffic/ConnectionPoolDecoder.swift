import MeshModel

enum ConnectionPoolDecoder {
    static func limits(_ reader: inout MapReader) -> ConnectionLimits {
        var limits = ConnectionLimits()
        if var tcp = reader.map("tcp") {
            limits.connectionsMax = bound(&tcp, "maxConnections")
            limits.connectTimeout = tcp.time("connectTimeout")
            limits.streamIdleTimeout = tcp.time("idleTimeout")
            limits.connectionDurationMax = tcp.time("maxConnectionDuration")
            if var reader = tcp.map("tcpKeepalive") {
                let probes = reader.integer("probes", 0...127).flatMap { $0 == 0 ? nil : UInt32(clamping: $0) }
                limits.keepAlive = TCPKeepAlive(
                    probes: probes, time: reader.time("time"), interval: reader.time("interval"))
                reader.complainAboutTheRest()
                tcp.absorb(reader)
            }
            tcp.complainAboutTheRest()
            reader.absorb(tcp)
        }
        if var http = reader.map("http") {
            limits.pendingMax = bound(&http, "http1MaxPendingRequests")
            limits.requestsMax = bound(&http, "http2MaxRequests")
            limits.requestsPerConnectionMax = bound(&http, "maxRequestsPerConnection")
            limits.retriesMax = bound(&http, "maxRetries")
            limits.idleTimeout = http.time("idleTimeout")
            let upgrade = http.text("h2UpgradePolicy") ?? "DEFAULT"
            if upgrade == "UPGRADE" {
                http.complain(http.line, http.field("h2UpgradePolicy"), "UPGRADE is not supported by waypoints")
            }
            http.refuse(
                ["useClientProtocol", "maxConcurrentStreams", "http2KeepAlive"], "is not supported by waypoints")
            http.complainAboutTheRest()
            reader.absorb(http)
        }
        return limits
    }

    /// Istio takes 0 for "no limit".
    private static func bound(_ reader: inout MapReader, _ key: String) -> UInt32? {
        reader.integer(key, 0...Int(UInt32.max)).flatMap { $0 == 0 ? nil : UInt32(clamping: $0) }
    }
}
