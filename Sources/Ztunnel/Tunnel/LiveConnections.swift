internal import HBONE
internal import MeshModel
internal import MeshPolicy

/// One proxied connection while it lives, as the registry of its pod sees it.
final class LiveConnection {
    enum Direction: String { case inbound, outbound }

    let direction: Direction
    let client: TransportAddress
    /// Where the client wanted to go.
    let originalDestination: TransportAddress
    /// Where it went; known once it was decided.
    var actualDestination: TransportAddress?
    var protocolName: String
    /// What policy judges; `nil` for outbound connections, which the other side judges.
    let facts: ConnectionFacts?
    /// Ends the connection with a reason, however far it is. Set by its owner in the turn in which it is registered,
    /// taken away at its end.
    var cut: ((ConnectionFailure) -> Void)?

    init(
        direction: Direction, client: TransportAddress, originalDestination: TransportAddress, protocolName: String,
        facts: ConnectionFacts?
    ) {
        self.direction = direction
        self.client = client
        self.originalDestination = originalDestination
        self.protocolName = protocolName
        self.facts = facts
    }

    func end(_ failure: ConnectionFailure) {
        if let cut { cut(failure) }
    }
}

/// The live connections of one pod on one loop.
struct LiveConnections {
    typealias ID = UInt64

    private var entries: [ID: LiveConnection] = [:]
    private var nextID: ID = 0

    var count: Int { entries.count }
    var all: some Collection<LiveConnection> { entries.values }

    mutating func insert(_ connection: LiveConnection) -> ID {
        nextID += 1
        entries[nextID] = connection
        return nextID
    }

    mutating func remove(_ id: ID) {
        entries[id] = nil
    }

    /// Ends those that the policies no longer allow. Ending unregisters, so the entries are copied first.
    func judgeAgain(by policies: PolicySet) {
        for connection in Array(entries.values) {
            guard let facts = connection.facts, case .denied = policies.decide(facts) else { continue }
            connection.end(.policyChanged)
        }
    }

    func cutAll(_ failure: ConnectionFailure) {
        for connection in Array(entries.values) { connection.end(failure) }
    }
}
