extension Task where Success == Void, Failure == Never {
    /// Waits for the end of the task, but not longer than so; `false` when it goes on. The task itself is left alone.
    func ends(within bound: Duration) async -> Bool {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Bool.self)
        Task<Void, Never> {
            await self.value
            outcome.yield(true)
        }
        let timeout = Task<Void, Never> {
            try? await Task<Never, Never>.sleep(for: bound)
            outcome.yield(false)
        }
        defer { timeout.cancel() }
        for await hasEnded in outcomes { return hasEnded }
        return false
    }
}
