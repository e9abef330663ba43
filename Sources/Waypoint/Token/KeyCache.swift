/// The fetched key sets of remote issuers, and when to fetch them. A pure machine: results and time in, questions out.
package struct KeyCache: RemoteKeys, Sendable {
    /// Times in seconds.
    package struct Limits: Sendable {
        /// Between two fetches that succeed.
        package var refresh: Double = 300
        /// An older set is not believed any more.
        package var age: Double = 24 * 3600
        /// Between a fetch and the next one for a key that the set does not have: tokens with invented names of keys
        /// must not make us flood the issuer.
        package var unknownKeyPause: Double = 30
        /// After the first failure; doubles up to `refresh`.
        package var retry: Double = 1

        package init() {}
    }

    private struct Entry: Sendable {
        var keys: KeySet?
        var fetchedAt: Double = 0
        var triedAt: Double = -.infinity
        var due: Double = -.infinity
        var failures = 0
        var isRunning = false
    }

    private let limits: Limits
    private var entries: [String: Entry] = [:]
    private var now: Double = 0

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// The sets that policies name now; others are forgotten.
    package mutating func want(_ uris: Set<String>) {
        entries = entries.filter { uris.contains($0.key) }
        for uri in uris where entries[uri] == nil { entries[uri] = Entry() }
    }

    /// A set that was fetched and is not too old; `nil` otherwise.
    package func keys(at uri: String) -> KeySet? {
        guard let entry = entries[uri], now - entry.fetchedAt <= limits.age else { return nil }
        return entry.keys
    }

    /// Time passes. Answers what is to be fetched now; each fetch must end in ``finish(_:_:)``.
    /// - Parameter now: seconds of a clock that never goes back.
    package mutating func advance(to now: Double) -> [String] {
        self.now = max(self.now, now)
        var due: [String] = []
        for (uri, entry) in entries where !entry.isRunning && entry.due <= self.now { due.append(uri) }
        for uri in due {
            entries[uri]?.isRunning = true
            entries[uri]?.triedAt = self.now
        }
        return due.sorted()
    }

    /// A fetch has ended; `nil`: it failed, and what is known stays in use until it is too old.
    package mutating func finish(_ uri: String, _ keys: KeySet?) {
        guard var entry = entries[uri] else { return }
        entry.isRunning = false
        if let keys {
            entry.keys = keys
            entry.fetchedAt = now
            entry.failures = 0
            entry.due = now + limits.refresh
        } else {
            var pause = limits.retry
            for _ in 0..<entry.failures where pause < limits.refresh { pause *= 2 }
            entry.failures += 1
            entry.due = now + min(pause, limits.refresh)
        }
        entries[uri] = entry
    }

    /// A token names a key that the set does not have: perhaps the issuer has a new one. Fetched again, but not often.
    package mutating func miss(_ uri: String, keyIdentifier: String) {
        guard let entry = entries[uri], !entry.isRunning, entry.failures == 0,
            entry.keys?.contains(keyIdentifier: keyIdentifier) != true
        else { return }
        entries[uri]?.due = min(entry.due, entry.triedAt + limits.unknownKeyPause)
    }
}
