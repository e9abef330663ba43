package import Logging
package import MeshModel
package import NIOCore
package import WaypointToken

/// Fetches the key sets that policies name, for the whole process. When to fetch says ``KeyCache``; what is known goes
/// out as a whole each time it changes.
package actor KeyFetcher {
    /// How often, and how long keys are good.
    package struct Settings: Sendable {
        package var limits = KeyCache.Limits()
        /// Between two looks at what is due.
        package var pause: Duration = .seconds(1)
        /// Where keys may be fetched from.
        package var rules = KeyServerRules()
        /// A file of root certificates besides those of the system, in PEM, for servers of keys.
        package var rootsPath: String?

        package init() {}
    }

    private let group: any EventLoopGroup
    private let settings: Settings
    private let logger: Logger
    private let onKeys: @Sendable ([String: KeySet]) -> Void
    private var cache: KeyCache
    /// How long a fetch may take, in nanoseconds, by the URIs that are wanted.
    private var timeouts: [String: Int64] = [:]
    /// URIs whose keys were given out last.
    private var published: Set<String> = []
    private let start = ContinuousClock.now
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - group: where fetches run; not the loops of users' bytes.
    ///   - onKeys: gets the key sets by URI; those that could not be fetched, or are too old, are not there.
    package init(
        group: any EventLoopGroup, settings: Settings = Settings(), logger: Logger,
        onKeys: @escaping @Sendable ([String: KeySet]) -> Void
    ) {
        self.group = group
        self.settings = settings
        self.logger = logger
        self.onKeys = onKeys
        cache = KeyCache(settings.limits)
        (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The policies that are in force now. Key sets of others are forgotten.
    package func want(_ policies: [TokenPolicy]) {
        var wanted: [String: Int64] = [:]
        for rule in policies.flatMap(\.rules) {
            guard case .remote(let uri, let timeout) = rule.keys else { continue }
            wanted[uri] = max(wanted[uri] ?? 0, timeout)
        }
        guard wanted != timeouts else { return }
        timeouts = wanted
        cache.want(Set(wanted.keys))
        waker.yield()
    }

    /// A token names a key that the set does not have.
    package func miss(_ uri: String, keyIdentifier: String) {
        cache.miss(uri, keyIdentifier: keyIdentifier)
        waker.yield()
    }

    /// Fetches until it is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { [waker, settings] in
                while !Task.isCancelled {
                    waker.yield()
                    try? await Task.sleep(for: settings.pause)
                }
            }
            for await _ in wakes {
                for uri in cache.advance(to: now) { tasks.addTask { await self.fetch(uri) } }
                publish(isNew: false)
            }
            tasks.cancelAll()
        }
    }

    private var now: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    private func fetch(_ uri: String) async {
        let limit = TimeAmount.nanoseconds(timeouts[uri] ?? TokenRule.fetchTimeoutNanoseconds)
        do throws(KeyFetchError) {
            let terms = KeyFetch.Terms(rules: settings.rules, rootsPath: settings.rootsPath)
            let keys = try await KeyFetch.keys(at: uri, within: limit, on: group, terms)
            cache.finish(uri, keys)
            logger.debug("keys fetched", metadata: ["uri": "\(uri)"])
            publish(isNew: true)
        } catch {
            cache.finish(uri, nil)
            let consequence = cache.keys(at: uri) == nil ? "every token is refused" : "those known stay in use"
            logger.warning(
                "keys not fetched; \(consequence)", metadata: ["uri": "\(uri)", "error": "\(error)"])
        }
    }

    private func publish(isNew: Bool) {
        var sets: [String: KeySet] = [:]
        for uri in timeouts.keys { sets[uri] = cache.keys(at: uri) }
        let uris = Set(sets.keys)
        guard isNew || uris != published else { return }
        published = uris
        onKeys(sets)
    }
}
