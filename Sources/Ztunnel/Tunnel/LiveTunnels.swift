internal import HBONE
internal import MeshIdentity
internal import MeshModel
internal import MeshTLS

/// One tunnel connection of a pod: who we said we are on it, and whom we believed.
struct LiveTunnel {
    let connection: HBONEConnection
    let identity: Identity
    let peer: VerifiedPeer
}

/// The tunnel connections of one pod on one loop, in both roles.
struct LiveTunnels {
    private var entries: [Int: LiveTunnel] = [:]
    private var lastNumber = 0

    var count: Int { entries.count }

    /// Whether there are tunnels that others made to this pod.
    var hasPeers: Bool { entries.values.contains { $0.connection.role == .server } }

    /// What to call the next one; a connection is made with a callback that removes it by this number.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    mutating func insert(_ tunnel: LiveTunnel, number: Int) {
        entries[number] = tunnel
    }

    mutating func remove(_ number: Int) {
        entries[number] = nil
    }

    /// Ends those whose peer the certificate's roots do not verify. Ending removes, so the entries are copied first.
    func judgeAgain(by certificate: WorkloadCertificate) {
        for tunnel in Array(entries.values) {
            let role: TLSContext.Role = tunnel.connection.role == .client ? .client : .server
            guard let problem = certificate.problem(of: tunnel.peer, as: role) else { continue }
            tunnel.connection.close(.cut(.peerDistrusted(problem.description)))
        }
    }

    /// No new streams on these; streams that run go on to their end.
    func drain(where matches: (LiveTunnel) -> Bool) {
        for tunnel in Array(entries.values) where matches(tunnel) { tunnel.connection.drain() }
    }

    func closeAll(_ reason: RelayCut) {
        for tunnel in Array(entries.values) { tunnel.connection.close(.cut(reason)) }
    }
}
