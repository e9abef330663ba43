package import ControlAuthority
import GRPCCore
import Logging

/// Who calls, and what that follows from: a stream outlives the look at its token, but not the token's pod.
package struct Caller: Sendable {
    /// A token that was reviewed, and how it is judged.
    struct Proof: Sendable {
        let token: ReviewedToken
        let trust: TokenTrust
    }

    package let holder: TokenHolder
    /// `nil`: a token of a file, behind which there is no pod.
    private let proof: Proof?

    init(_ holder: TokenHolder, _ proof: Proof? = nil) {
        self.holder = holder
        self.proof = proof
    }

    /// Throws UNAUTHENTICATED when the pods that are known now do not bear out any more who it is: its pod is gone, has
    /// ended, or is another one of that name.
    func check(_ book: NodeBook) throws(RPCError) {
        guard let proof else { return }
        let found: TokenHolder
        do {
            found = try proof.trust.holder(of: proof.token, in: book)
        } catch {
            throw RPCError(code: .unauthenticated, message: "the stream of \(holder) ends: \(error)")
        }
        guard found == holder else {
            throw RPCError(code: .unauthenticated, message: "the stream of \(holder) ends: it is \(found) now")
        }
    }
}

/// Ends a stream whose caller is not borne out any more.
struct StreamTrust: Sendable {
    let caller: Caller
    let nodes: Board<NodeBook>
    let metrics: ControlMetrics
    let log: Logger

    /// Before anything that the caller says is believed, and whenever the pods have changed.
    func check() throws(RPCError) {
        guard let book = nodes.current else { return }
        do throws(RPCError) {
            try caller.check(book)
        } catch {
            metrics.add(.streamsDistrusted)
            log.warning("\(error.message)")
            throw error
        }
    }
}
