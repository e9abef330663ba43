import Testing

@testable import ZtunnelNode

@Suite("A wait with a bound")
struct TaskBoundTests {
    @Test("ends with its task, or when the time is over; the task goes on")
    func bounds() async {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let task = Task<Void, Never> { for await _ in gate { break } }
        #expect(await task.ends(within: .milliseconds(20)) == false)
        #expect(!task.isCancelled)
        open.yield()
        #expect(await task.ends(within: .seconds(60)))
        #expect(await task.ends(within: .seconds(60)), "an ended one at once")
    }
}
