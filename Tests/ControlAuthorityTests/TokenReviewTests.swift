import ControlAuthority
import Crypto
import Foundation
import Synchronization
import Testing

@Suite("Reviews of tokens", .timeLimit(.minutes(1)))
struct TokenReviewTests {
    private static func token(expiry: Int64? = nil) -> ReviewedToken {
        ReviewedToken(
            account: TokenHolder.Account(namespace: "shop", name: "web"),
            pod: ReviewedToken.Pod(name: "web-1", uid: "u"), expirySeconds: expiry)
    }

    private static func digest(_ text: String) -> SHA256.Digest { SHA256.hash(data: Data(text.utf8)) }

    @Test("a token is known for 30 s, not beyond its own end, and not under a clock set back", arguments: [
        (nil, 100_000, true), (nil, 129_999, true), (nil, 130_000, false), (nil, 99_999, false),
        (110, 109_999, true), (110, 110_000, false), (100, 100_000, false), (99, 100_000, false),
        (Int64.max, 129_999, true), (Int64.max, 130_000, false), (Int64.min, 100_000, false),
    ] as [(Int64?, Int64, Bool)])
    func lifetime(expiry: Int64?, now: Int64, isKnown: Bool) {
        var cache = TokenReviewCache()
        cache.keep(Self.token(expiry: expiry), for: Self.digest("a"), nowMilliseconds: 100_000)
        #expect((cache.find(Self.digest("a"), nowMilliseconds: now) != nil) == isKnown)
        #expect(cache.find(Self.digest("b"), nowMilliseconds: now) == nil)
    }

    @Test("never more are kept than the bound, and the newest stay")
    func bound() {
        var cache = TokenReviewCache(countMax: 8)
        for number in 0..<100 {
            cache.keep(Self.token(), for: Self.digest("\(number)"), nowMilliseconds: Int64(number))
            #expect(cache.count <= 8)
            #expect(cache.find(Self.digest("\(number)"), nowMilliseconds: Int64(number)) != nil)
        }
    }

    /// Answers when a test lets it.
    private final class SlowReviewer: TokenReviewer {
        struct State {
            var asked: [String] = []
            var open = 0
            var openMost = 0
            var isHeld = true
            var answer: Result<TokenReview, TokenReviewFailure>
        }

        let state: Mutex<State>

        init(_ answer: Result<TokenReview, TokenReviewFailure>) { state = Mutex(State(answer: answer)) }

        var asked: [String] { state.withLock { $0.asked } }

        func review(_ token: String) async throws(TokenReviewFailure) -> TokenReview {
            state.withLock { state in
                state.asked.append(token)
                state.open += 1
                state.openMost = max(state.openMost, state.open)
            }
            while state.withLock({ $0.isHeld }) { try? await Task.sleep(for: .milliseconds(1)) }
            return try state.withLock { state in
                state.open -= 1
                return state.answer
            }.get()
        }
    }

    private func sparing(_ slow: SlowReviewer, atOnce: Int = 2, waiting: Int = 100) -> SparingReviewer {
        SparingReviewer(slow, atOnceMax: atOnce, waitingMax: waiting) { 1000 }
    }

    @Test("one review serves all who show the same token, then the next half minute")
    func shared() async throws {
        let slow = SlowReviewer(.success(.accepted(Self.token())))
        let reviewer = sparing(slow)
        await withTaskGroup(of: TokenReview?.self) { group in
            for _ in 0..<20 { group.addTask { try? await reviewer.review("a") } }
            while slow.asked.isEmpty { await Task.yield() }
            slow.state.withLock { $0.isHeld = false }
            for await answer in group { #expect(answer == .accepted(Self.token())) }
        }
        #expect(try await reviewer.review("a") == .accepted(Self.token()))
        #expect(slow.asked == ["a"])
    }

    @Test("few run at once, and of those that wait only so many are let wait")
    func bounded() async throws {
        let slow = SlowReviewer(.success(.accepted(Self.token())))
        let reviewer = sparing(slow, atOnce: 2, waiting: 6)
        let outcomes = await withTaskGroup(of: Result<TokenReview, TokenReviewFailure>.self) { group in
            let (refusals, refused) = AsyncStream.makeStream(of: Void.self)
            for number in 0..<10 {
                group.addTask {
                    do throws(TokenReviewFailure) {
                        return .success(try await reviewer.review("\(number)"))
                    } catch {
                        refused.yield()
                        return .failure(error)
                    }
                }
            }
            var refusedCount = 0
            for await _ in refusals {
                refusedCount += 1
                if refusedCount == 4 { break }
            }
            slow.state.withLock { $0.isHeld = false }
            return await group.reduce(into: [Result<TokenReview, TokenReviewFailure>]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .failure(.busy(limit: 6)) } == 4)
        #expect(outcomes.count { $0 == .success(.accepted(Self.token())) } == 6)
        #expect(slow.state.withLock { $0.openMost } <= 2)
    }

    @Test("refusals and failures are asked anew", arguments: [
        .success(.refused("forged")), .failure(.unreachable("away")),
    ] as [Result<TokenReview, TokenReviewFailure>])
    func notKept(answer: Result<TokenReview, TokenReviewFailure>) async throws {
        let slow = SlowReviewer(answer)
        slow.state.withLock { $0.isHeld = false }
        let reviewer = sparing(slow)
        for _ in 0..<2 { _ = try? await reviewer.review("a") }
        #expect(slow.asked == ["a", "a"])
        slow.state.withLock { $0.answer = .success(.accepted(Self.token())) }
        #expect(try await reviewer.review("a") == .accepted(Self.token()))
    }
}
