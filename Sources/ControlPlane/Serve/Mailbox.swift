import GRPCCore
import Synchronization

/// Messages a client sent while its stream was busy writing. Bounded.
final class Mailbox<Message: Sendable>: Sendable {
    /// What has arrived since the last look.
    struct Content {
        var messages: [Message] = []
        /// The client will send no more.
        var hasEnded = false
        var failure: (any Error)?
    }

    private struct Waiting {
        var content = Content()
        var weight = 0
    }

    private let waiting = Mutex(Waiting())
    private let weightMax: Int
    private let weigh: @Sendable (Message) -> Int

    /// - Parameter weigh: what a message costs in memory, in any unit; each also counts for itself.
    init(weightMax: Int, weigh: @escaping @Sendable (Message) -> Int) {
        self.weightMax = weightMax
        self.weigh = weigh
    }

    /// Reads the client's messages to their end, waking after each.
    func fill(from messages: RPCAsyncSequence<Message, any Error>, wake: @Sendable () -> Void) async {
        do {
            for try await message in messages {
                try put(message)
                wake()
            }
            waiting.withLock { $0.content.hasEnded = true }
        } catch {
            waiting.withLock { waiting in
                waiting.content.failure = error
                waiting.content.hasEnded = true
            }
        }
        wake()
    }

    func take() -> Content {
        waiting.withLock { waiting in
            let taken = waiting.content
            waiting.content.messages = []
            waiting.weight = 0
            return taken
        }
    }

    private func put(_ message: Message) throws(RPCError) {
        let weight = weigh(message) + 1
        let isFull = waiting.withLock { waiting in
            guard waiting.weight == 0 || waiting.weight + weight <= weightMax else { return true }
            waiting.content.messages.append(message)
            waiting.weight += weight
            return false
        }
        guard !isFull else {
            throw RPCError(
                code: .resourceExhausted,
                message: "requests naming over \(weightMax) things wait: read the responses before sending more")
        }
    }
}
