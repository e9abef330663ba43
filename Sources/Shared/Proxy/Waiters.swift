package import NIOCore

/// Those who wait on one loop for one value, each for a bounded time.
package struct Waiters<Value> {
    private final class Entry {
        var body: ((Value?) -> Void)?
        var timeout: Scheduled<Void>?

        init(_ body: @escaping (Value?) -> Void) { self.body = body }

        func finish(_ value: Value?) {
            timeout?.cancel()
            let body = self.body
            self.body = nil
            body?(value)
        }
    }

    private var entries: [Entry] = []

    /// Nobody waits.
    package init() {}

    /// Calls back once: with the value, or with `nil` after the bound.
    package mutating func wait(on loop: any EventLoop, for bound: TimeAmount, _ body: @escaping (Value?) -> Void) {
        let entry = Entry(body)
        entry.timeout = loop.assumeIsolated().scheduleTask(in: bound) { entry.finish(nil) }
        entries.removeAll { $0.body == nil }
        entries.append(entry)
    }

    /// Tells all who wait.
    package mutating func resolve(_ value: Value) {
        let waiting = entries
        entries.removeAll()
        for entry in waiting { entry.finish(value) }
    }
}
