import Logging
import MeshIdentity
import MeshModel
import MeshTLS
import Synchronization
import Testing

/// What a holder was told.
final class Updates: Sendable {
    private let seen = Mutex<[Result<WorkloadCertificate, IdentityError>]>([])

    var all: [Result<WorkloadCertificate, IdentityError>] { seen.withLock { $0 } }
    var certificates: [WorkloadCertificate] { all.compactMap { try? $0.get() } }
    var errors: [IdentityError] {
        all.compactMap {
            guard case .failure(let error) = $0 else { return nil }
            return error
        }
    }

    func add(_ update: Result<WorkloadCertificate, IdentityError>) { seen.withLock { $0.append(update) } }
}

let quietLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Waits until the condition holds; a test that waits in vain fails.
func eventually(
    _ what: Comment, within bound: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: @Sendable () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + bound
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record(what, sourceLocation: sourceLocation)
    throw CancellationError()
}

/// Runs a manager while the body runs.
func withManager(
    _ authority: some CertificateAuthorityClient, _ settings: CertificateManager.Settings = .init(),
    _ body: @Sendable (CertificateManager) async throws -> Void
) async throws {
    let manager = CertificateManager(authority: authority, settings: settings, log: quietLog)
    let run = Task { await manager.run() }
    do {
        try await body(manager)
        run.cancel()
        await run.value
    } catch {
        run.cancel()
        await run.value
        throw error
    }
}

@Suite("The certificate manager with a real authority", .timeLimit(.minutes(1)))
struct CertificateManagerTests {
    /// Certificates live for a day here; a wall clock near their end leaves them so much.
    private func settings(remainingMilliseconds: Int64) -> CertificateManager.Settings {
        var settings = CertificateManager.Settings()
        let ahead = 24 * 3600 * 1000 - remainingMilliseconds
        settings.wallClock = { UnixClock.milliseconds() + ahead }
        return settings
    }

    @Test("a held identity gets its certificate; a second holder shares it; with the last one it is forgotten")
    func holding() async throws {
        let authority = try ScriptedAuthority()
        try await withManager(authority) { manager in
            let first = Updates()
            let token = await manager.hold(identity("web")) { first.add($0) }
            #expect(await manager.snapshot().map(\.state) == [.initializing])
            try await eventually("a certificate") { first.certificates.count == 1 }
            #expect(first.certificates.first?.identity == identity("web"))
            let second = Updates()
            let other = await manager.hold(identity("web"), priority: .warmUp) { second.add($0) }
            #expect(second.certificates.map(\.serialNumber) == first.certificates.map(\.serialNumber))
            #expect(authority.callCount == 1)
            let snapshot = await manager.snapshot()
            #expect(snapshot.map(\.state) == [.available])
            #expect(snapshot.first?.leaf == first.certificates.first?.leaf)
            #expect(snapshot.first?.roots.count == 1)
            await manager.release(token)
            #expect(await manager.certificate(for: identity("web")) != nil)
            await manager.release(other)
            #expect(await manager.certificate(for: identity("web")) == nil)
            #expect(await manager.snapshot().isEmpty)
        }
    }

    @Test("a certificate near its end is replaced before it, and holders get the new one")
    func renewal() async throws {
        try await withManager(try ScriptedAuthority(), settings(remainingMilliseconds: 4000)) { manager in
            let updates = Updates()
            _ = await manager.hold(identity("web")) { updates.add($0) }
            try await eventually("a renewal") { updates.certificates.count == 2 }
            #expect(Set(updates.certificates.map(\.serialNumber)).count == 2)
            #expect(updates.errors.isEmpty)
        }
    }

    @Test("a failed renewal is not told while the old certificate is valid; its expiry is")
    func expiry() async throws {
        let authority = try ScriptedAuthority { call, identity throws(IdentityError) in
            guard call == 1 else { throw .unreachable(identity: identity, reason: "down") }
            return identity
        }
        try await withManager(authority, settings(remainingMilliseconds: 4000)) { manager in
            let updates = Updates()
            _ = await manager.hold(identity("web")) { updates.add($0) }
            try await eventually("several attempts") { authority.callCount >= 3 }
            try await eventually("the expiry") { !updates.errors.isEmpty }
            #expect(updates.certificates.count == 1)
            guard case .expired(identity("web"), _) = updates.errors.first else {
                Issue.record("expected: expired, found: \(updates.errors)")
                return
            }
            #expect(await manager.certificate(for: identity("web")) == nil)
            guard case .unavailable = await manager.snapshot().first?.state else {
                Issue.record("expected: unavailable")
                return
            }
        }
    }

    @Test("a refusal is told to whoever holds, now and later, and asking goes on")
    func refusal() async throws {
        let refusal = IdentityError.refused(identity: identity("web"), code: "unauthenticated", message: "no such pod")
        let authority = try ScriptedAuthority { call, identity throws(IdentityError) in
            guard call > 2 else { throw refusal }
            return identity
        }
        try await withManager(authority) { manager in
            let first = Updates()
            _ = await manager.hold(identity("web")) { first.add($0) }
            try await eventually("the refusal") { first.errors == [refusal] }
            let second = Updates()
            _ = await manager.hold(identity("web")) { second.add($0) }
            #expect(second.errors == [refusal])
            try await eventually("a certificate after all") { first.certificates.count == 1 }
            #expect(second.certificates.count == 1)
        }
    }

    @Test("a certificate of somebody else, or one that is over, is not taken")
    func unusable() async throws {
        let wrong = try ScriptedAuthority { _, _ throws(IdentityError) in identity("other") }
        try await withManager(wrong) { manager in
            let updates = Updates()
            _ = await manager.hold(identity("web")) { updates.add($0) }
            try await eventually("a failure") { !updates.errors.isEmpty }
            guard case .unusable(identity("web"), .ownCertificate(.identityMismatch)) = updates.errors.first else {
                Issue.record("expected: unusable, found: \(updates.errors)")
                return
            }
            #expect(updates.certificates.isEmpty)
        }
        try await withManager(try ScriptedAuthority(), settings(remainingMilliseconds: -1000)) { manager in
            let updates = Updates()
            _ = await manager.hold(identity("web")) { updates.add($0) }
            try await eventually("a failure") { !updates.errors.isEmpty }
            guard case .alreadyExpired = updates.errors.first else {
                Issue.record("expected: already expired, found: \(updates.errors)")
                return
            }
        }
    }

    @Test("no more than eight calls are made at once")
    func concurrency() async throws {
        let authority = try ScriptedAuthority { _, identity throws(IdentityError) in
            try? await Task.sleep(for: .milliseconds(20))
            return identity
        }
        try await withManager(authority) { manager in
            let updates = Updates()
            for index in 0..<20 { _ = await manager.hold(identity("\(index)")) { updates.add($0) } }
            try await eventually("all certificates") { updates.certificates.count == 20 }
            #expect(authority.callCount == 20)
            #expect((1...8).contains(authority.runningMax))
        }
    }
}
