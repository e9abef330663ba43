internal import MeshProxy
package import NIOCore

/// What the tunnel of a node is told at start.
package struct TunnelSettings: Sendable {
    /// Only workloads of this node are ours.
    package var nodeName: String
    /// Our own network; look-ups of destinations happen in it.
    package var network: String = ""
    package var sameNode: SameNode = .handOver
    /// Waiting for a TCP connection to a peer or to an application.
    package var connectTimeout: TimeAmount = .seconds(10)
    /// Waiting for the first certificate, or for the record of a local workload, before a connection is given up.
    package var readinessTimeout: TimeAmount = .seconds(5)
    /// Whole connect phases tried before a connection is refused: the first endpoint and two others.
    package var connectAttemptsMax: Int = 3
    /// How long a waypoint is asked again that does not know that it is called for a service: replicas of a control
    /// plane tell a change to their nodes and waypoints at moments of their own. First and last pause; they double.
    package var misdirectedPauses: ClosedRange<TimeAmount> = .milliseconds(50) ... .milliseconds(1600)
    /// Congestion control of the sockets between nodes; `nil` leaves the host's default. `cubic` took 20 to 25 % less
    /// CPU than a default of `bbr` on links without loss.
    package var tunnelCongestionControl: String? = "cubic"
    /// Congestion control of the sockets that lead to a pod's own processes, within its namespace: nothing is lost
    /// there, and pacing only costs timers.
    package var loopbackCongestionControl: String? = "cubic"
    /// Accepted and not yet finished connections of one pod on one loop, so that one pod cannot take the node's memory.
    package var connectionsPerPodMax: Int = 20_000
    /// TLS handshakes under way of one pod on one loop, in each direction: what peers wait for is a certificate and a
    /// few messages, so only a storm has more. Enough for the peers of a pod to come back together after a restart.
    package var handshakesPerPodMax: Int = 512
    /// TLS handshakes under way of all pods of the node, in each direction, shared equally by the loops: each holds a
    /// session of OpenSSL and costs two signatures, and those let in should end before the handshake's timeout of 10 s.
    package var handshakesPerNodeMax: Int = 2_048
    /// Applications that are told of their callers by a PROXY header are reached at 127.0.0.1 or ::1, where they see no
    /// other source; else at the pod's address, with the caller's as source. As `LOCALHOST_APP_TUNNEL`.
    package var reachesProxiedByLoopback: Bool = true
    /// Send our workload's description back with a 200.
    package var responseBaggage: Bool = true

    package init(nodeName: String) {
        self.nodeName = nodeName
    }

    /// What happens to a connection whose both ends are pods of this node.
    package enum SameNode: String, Sendable {
        /// Same decision, then the stream stays inside the process: no packet leaves either pod, nothing is encrypted.
        case handOver = "local"
        /// Through HBONE as between nodes.
        case encrypt
    }
}
