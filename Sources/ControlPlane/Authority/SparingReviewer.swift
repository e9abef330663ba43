import Crypto
import FoundationEssentials

/// Asks a reviewer as seldom as may be: what was accepted lately is not asked again, one review serves everybody who
/// shows the same token at the same time, and few reviews run at once. What is refused or fails is not kept.
package actor SparingReviewer: TokenReviewer {
    private typealias Outcome = Result<TokenReview, TokenReviewFailure>

    private let reviewer: any TokenReviewer
    private let nowMilliseconds: @Sendable () -> Int64
    private let atOnceMax: Int
    private let waitingMax: Int
    private var cache: TokenReviewCache
    private var underWay: [SHA256.Digest: Task<Outcome, Never>] = [:]
    private var runningCount = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - atOnceMax: reviews that run at one time.
    ///   - waitingMax: reviews that run or wait; more are refused as busy.
    ///   - nowMilliseconds: Unix time.
    package init(
        _ reviewer: any TokenReviewer, cache: TokenReviewCache = TokenReviewCache(),
        atOnceMax: Int = AuthorityLimits.reviewsAtOnceMax, waitingMax: Int = AuthorityLimits.reviewsWaitingMax,
        nowMilliseconds: @escaping @Sendable () -> Int64
    ) {
        self.reviewer = reviewer
        self.cache = cache
        self.atOnceMax = atOnceMax
        self.waitingMax = waitingMax
        self.nowMilliseconds = nowMilliseconds
    }

    /// The answer that is known still, or a new one.
    package func review(_ token: String) async throws(TokenReviewFailure) -> TokenReview {
        let digest = SHA256.hash(data: Data(token.utf8))
        if let known = cache.find(digest, nowMilliseconds: nowMilliseconds()) { return .accepted(known) }
        if let running = underWay[digest] { return try await running.value.get() }
        guard underWay.count < waitingMax else { throw .busy(limit: waitingMax) }
        // A task of its own: who gives up must not take the answer from the others.
        let task = Task { await self.ask(token) }
        underWay[digest] = task
        let outcome = await task.value
        underWay[digest] = nil
        if case .success(.accepted(let accepted)) = outcome {
            cache.keep(accepted, for: digest, nowMilliseconds: nowMilliseconds())
        }
        return try outcome.get()
    }

    private func ask(_ token: String) async -> Outcome {
        if runningCount < atOnceMax {
            runningCount += 1
        } else {
            // Whoever ends hands its place over.
            await withCheckedContinuation { waiting.append($0) }
        }
        let outcome: Outcome
        do throws(TokenReviewFailure) {
            outcome = .success(try await reviewer.review(token))
        } catch {
            outcome = .failure(error)
        }
        if waiting.isEmpty { runningCount -= 1 } else { waiting.removeFirst().resume() }
        return outcome
    }
}
