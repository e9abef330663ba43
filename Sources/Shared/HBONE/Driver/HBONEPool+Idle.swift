import NIOCore

/// Connections without streams go after the idle time, or when their certificate ends.
extension HBONEPool {
    func startTimer() {
        guard idleTimer == nil else { return }
        // A quarter: a connection stays at most a quarter longer than the limit says.
        let step = TimeAmount.nanoseconds(max(limits.idleTimeout.nanoseconds / 4, 1_000_000))
        idleTimer = loop.assumeIsolated().scheduleTask(in: step) { [weak self] in
            self?.idleTimer = nil
            self?.closeIdle(now: .now())
        }
    }

    private func closeIdle(now: NIODeadline) {
        for entry in entries.values {
            for connection in entry.connections where connection.openStreamCount == 0 {
                let isExpired = connection.notAfter.map { $0 <= now } ?? false
                let since = entry.idleSince[ObjectIdentifier(connection)] ?? now
                if isExpired || now - since >= limits.idleTimeout { connection.close(.idle) }
            }
        }
        if !entries.isEmpty { startTimer() }
    }

    func stopTimerIfEmpty() {
        guard entries.isEmpty || phase == .closed else { return }
        idleTimer?.cancel()
        idleTimer = nil
    }
}
