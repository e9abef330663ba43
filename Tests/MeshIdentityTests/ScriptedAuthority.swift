import MeshIdentity
import MeshModel
import MeshTesting
import Synchronization

/// A real authority that does as a test says.
final class ScriptedAuthority: CertificateAuthorityClient {
    /// What it does with the request of that number, from 1.
    typealias Behaviour = @Sendable (_ call: Int, _ identity: Identity) async throws(IdentityError) -> Identity

    private struct Calls {
        var count = 0
        var running = 0
        var runningMax = 0
    }

    private let authority: TestAuthority
    private let behaviour: Behaviour
    private let calls = Mutex(Calls())

    var callCount: Int { calls.withLock { $0.count } }
    var runningMax: Int { calls.withLock { $0.runningMax } }
    var root: String { authority.rootPEM }

    /// - `behaviour`: answers the identity to put into the certificate, or refuses.
    init(_ behaviour: @escaping Behaviour = { _, identity in identity }) throws {
        self.behaviour = behaviour
        authority = try TestAuthority()
    }

    func sign(
        request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
    ) async throws(IdentityError) -> [String] {
        let call = calls.withLock { calls in
            calls.count += 1
            calls.running += 1
            calls.runningMax = max(calls.runningMax, calls.running)
            return calls.count
        }
        defer { calls.withLock { $0.running -= 1 } }
        let issued = try await behaviour(call, identity)
        do {
            return [try issue(request, for: issued), root]
        } catch {
            throw .unreachable(identity: identity, reason: "\(error)")
        }
    }

    /// A leaf for one day.
    func issue(_ request: String, for identity: Identity) throws -> String {
        try authority.sign(
            request: request, extensions: TestAuthority.Leaf(identity).extensions, days: 1, signer: "root")
    }
}
