internal import MeshModel
internal import MeshTelemetry

/// How many TLS handshakes are under way, by who reports them: `.source` for those we begin, `.destination` for those
/// that peers begin. The directions are counted apart, so that a storm from outside does not stop our own.
final class HandshakeCount {
    private let maximum: Int
    private var counts = [0, 0]

    init(maximum: Int) { self.maximum = maximum }

    func isFull(_ reporter: Reporter) -> Bool { counts[index(reporter)] >= maximum }

    func begin(_ reporter: Reporter) { counts[index(reporter)] += 1 }

    func end(_ reporter: Reporter) { counts[index(reporter)] -= 1 }

    /// Under way now.
    func count(_ reporter: Reporter) -> Int { counts[index(reporter)] }

    private func index(_ reporter: Reporter) -> Int { reporter == .source ? 0 : 1 }
}

/// The place of one handshake in its pod's and its node's count; given back once, however often it is ended.
final class HandshakePlace {
    private let pod: HandshakeCount
    private let node: HandshakeCount
    private let reporter: Reporter
    private var hasEnded = false

    init(pod: HandshakeCount, node: HandshakeCount, reporter: Reporter) {
        self.pod = pod
        self.node = node
        self.reporter = reporter
        pod.begin(reporter)
        node.begin(reporter)
    }

    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        pod.end(reporter)
        node.end(reporter)
    }
}

extension PodOnLoop {
    /// Takes a place for a handshake, or says which limit does not allow it; that is counted.
    func beginHandshake(_ reporter: Reporter) throws(ConnectionFailure) -> HandshakePlace {
        guard !handshakes.isFull(reporter) else {
            loop.metrics.handshakeRefused(reporter, .pod)
            throw .limitReached(limit: "handshakesPerPodMax")
        }
        guard !loop.handshakes.isFull(reporter) else {
            loop.metrics.handshakeRefused(reporter, .node)
            throw .limitReached(limit: "handshakesPerNodeMax")
        }
        return HandshakePlace(pod: handshakes, node: loop.handshakes, reporter: reporter)
    }
}
