/// Whose limit of TLS handshakes under way was reached.
package enum HandshakeLimit: String, CaseIterable, Hashable, Sendable {
    case pod
    case node
}

/// TLS handshakes that were not begun, by who began them and whose limit was reached.
struct RefusedHandshakes: Hashable, Sendable {
    private var counts = [Int](repeating: 0, count: Reporter.allCases.count * HandshakeLimit.allCases.count)

    subscript(reporter: Reporter, limit: HandshakeLimit) -> Int {
        get { counts[index(reporter, limit)] }
        set { counts[index(reporter, limit)] = newValue }
    }

    mutating func add(_ other: RefusedHandshakes) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    private func index(_ reporter: Reporter, _ limit: HandshakeLimit) -> Int {
        reporter.index * HandshakeLimit.allCases.count + (limit == .pod ? 0 : 1)
    }
}
