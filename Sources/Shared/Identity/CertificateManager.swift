package import Logging
package import MeshModel
package import MeshTLS

/// Holds a certificate for every identity that somebody wants, renewed in time. Drives ``CertificateSchedule``: asks
/// the source, tells the holders.
package actor CertificateManager {
    package typealias Update = @Sendable (Result<WorkloadCertificate, IdentityError>) -> Void

    package struct Settings: Sendable {
        package var timing = CertificateTiming()
        /// Asked for; the authority may give less. 24 hours as `SECRET_TTL`.
        package var validitySeconds: Int64 = 24 * 3600
        /// Unix time in milliseconds; what certificates are measured by.
        package var wallClock: @Sendable () -> Int64 = { UnixClock.milliseconds() }

        package init() {}
    }

    /// One holder's claim.
    package struct HoldToken: Hashable, Sendable {
        package let identity: Identity
        fileprivate let number: UInt64
    }

    private let source: any CertificateSource
    private let settings: Settings
    private let log: Logger
    private let start = ContinuousClock.now
    private var generator = SystemRandomNumberGenerator()
    private var schedule: CertificateSchedule
    private var certificates: [Identity: WorkloadCertificate] = [:]
    private var holders: [Identity: [HoldToken: Update]] = [:]
    private var fetches: [UInt64: Task<Void, Never>] = [:]
    private var timer: (time: Int64, task: Task<Void, Never>)?
    private var lastHold: UInt64 = 0
    private var isEnded = false

    /// With an authority that signs for keys of ours.
    package init(authority: some CertificateAuthorityClient, settings: Settings = Settings(), log: Logger) {
        let source = AuthoritySource(authority: authority, validitySeconds: settings.validitySeconds)
        self.init(source: source, settings: settings, log: log)
    }

    /// With an agent that makes keys itself, where there is one, else with an authority.
    package init(
        _ agent: WorkloadAPISource?, orElse authority: some CertificateAuthorityClient, settings: Settings, log: Logger
    ) {
        if let agent {
            self.init(source: agent, settings: settings, log: log)
        } else {
            self.init(authority: authority, settings: settings, log: log)
        }
    }

    package init(source: some CertificateSource, settings: Settings = Settings(), log: Logger) {
        self.source = source
        self.settings = settings
        self.log = log
        self.schedule = CertificateSchedule(timing: settings.timing)
    }

    /// From now on there is a certificate for the identity if there can be one. `onUpdate` is called with what is held
    /// already, before this returns, and then with every new certificate; with an error when there is none and asking
    /// failed, or when the last one has expired. A failed renewal is not told while the old one is valid.
    package func hold(
        _ identity: Identity, priority: FetchPriority = .realTime, onUpdate: @escaping Update
    ) -> HoldToken {
        lastHold += 1
        let token = HoldToken(identity: identity, number: lastHold)
        holders[identity, default: [:]][token] = onUpdate
        if let certificate = certificates[identity] {
            onUpdate(.success(certificate))
        } else if case .unavailable(let error) = schedule.state(of: identity) {
            onUpdate(.failure(error))
        }
        perform(schedule.want(identity, priority, now: now))
        return token
    }

    /// Ends a claim. With the last one the certificate is forgotten.
    package func release(_ token: HoldToken) {
        holders[token.identity]?[token] = nil
        guard holders[token.identity]?.isEmpty == true else { return }
        holders[token.identity] = nil
        certificates[token.identity] = nil
        perform(schedule.forget(token.identity, now: now))
    }

    /// A connection waits for an identity that is held: it is asked for before others.
    package func hurry(_ identity: Identity) {
        guard holders[identity] != nil else { return }
        perform(schedule.want(identity, .realTime, now: now))
    }

    /// The source may have something else than before: everything that is held is asked for again, now.
    package func renewAll() { perform(schedule.renewAll(now: now)) }

    /// The certificate held now.
    package func certificate(for identity: Identity) -> WorkloadCertificate? { certificates[identity] }

    /// Returns when its task is cancelled; then every fetch is ended and nothing is renewed any more.
    package func run() async {
        // A stream without elements ends with the task that reads it.
        let silence = AsyncStream<Never> { _ in }
        for await _ in silence {}
        isEnded = true
        timer?.task.cancel()
        timer = nil
        for fetch in fetches.values { fetch.cancel() }
    }

    /// As ``run()``; beside it the stream of the agent, if there is one, is kept open and its news are taken up.
    nonisolated package func run(with agent: WorkloadAPISource?) async {
        async let stream: Void? = agent?.run { await self.renewAll() }
        await run()
        _ = await stream
    }

    /// Everything that is held or wanted, in the order of its names.
    package func snapshot() -> [CertificateSnapshot] {
        holders.keys.sorted { $0.principal < $1.principal }.map { identity in
            let certificate = certificates[identity]
            let state: CertificateSnapshot.State
            switch schedule.state(of: identity) {
            case .available: state = .available
            case .unavailable(let error): state = .unavailable(error.description)
            case .initializing, nil: state = .initializing
            }
            return CertificateSnapshot(
                identity: identity, state: state, leaf: certificate?.leaf,
                intermediates: certificate?.intermediates ?? [], roots: certificate?.roots ?? [])
        }
    }

    /// Milliseconds since this manager was made; never goes back.
    private var now: Int64 { (ContinuousClock.now - start).milliseconds }

    private func perform(_ actions: [CertificateSchedule.Action]) {
        for action in actions {
            switch action {
            case .fetch(let identity, let ticket, let limit):
                guard !isEnded else { continue }
                fetches[ticket] = Task { await self.fetch(identity, ticket: ticket, limit: limit) }
            case .abandon(let ticket): fetches[ticket]?.cancel()
            case .drop(let identity):
                certificates[identity] = nil
                announceFailure(identity)
            case .announceFailure(let identity): announceFailure(identity)
            }
        }
        arm()
    }

    private func announceFailure(_ identity: Identity) {
        guard case .unavailable(let error) = schedule.state(of: identity) else { return }
        log.warning("no certificate", metadata: ["identity": "\(identity)", "error": "\(error)"])
        tell(identity, .failure(error))
    }

    private func tell(_ identity: Identity, _ result: Result<WorkloadCertificate, IdentityError>) {
        for onUpdate in (holders[identity] ?? [:]).values { onUpdate(result) }
    }

    private func arm() {
        let next = isEnded ? nil : schedule.nextWake
        guard timer?.time != next else { return }
        timer?.task.cancel()
        timer = next.map { time in
            let wait = Duration.milliseconds(max(0, time - now))
            return (
                time,
                Task {
                    do { try await Task.sleep(for: wait) } catch { return }
                    self.tick()
                }
            )
        }
    }

    private func tick() {
        timer = nil
        perform(schedule.tick(now: now))
    }
}

/// Asking.
extension CertificateManager {
    private func fetch(_ identity: Identity, ticket: UInt64, limit: Int64) async {
        let result: Result<WorkloadCertificate, IdentityError>
        do throws(IdentityError) {
            result = .success(try await source.certificate(for: identity, limit: .milliseconds(limit)))
        } catch {
            result = .failure(error)
        }
        fetches[ticket] = nil
        switch result {
        case .success(let certificate):
            let remaining = certificate.notAfterSeconds * 1000 - settings.wallClock()
            guard remaining > 0 else {
                fail(
                    identity, ticket,
                    .alreadyExpired(identity: identity, notAfterSeconds: certificate.notAfterSeconds))
                return
            }
            let (isWanted, actions) = schedule.fetched(
                identity, ticket: ticket, expiresAt: now + remaining, now: now, using: &generator)
            if isWanted, certificates[identity] !== certificate {
                certificates[identity] = certificate
                log.info("certificate", metadata: [
                    "identity": "\(identity)", "serial": "\(certificate.serialNumber)",
                    "notAfter": "\(certificate.notAfterSeconds)",
                ])
                tell(identity, .success(certificate))
            }
            perform(actions)
        case .failure(let error): fail(identity, ticket, error)
        }
    }

    private func fail(_ identity: Identity, _ ticket: UInt64, _ error: IdentityError) {
        if certificates[identity] != nil, !error.isWithdrawal {
            log.warning("a certificate was not renewed; the old one stays in use", metadata: ["error": "\(error)"])
        }
        perform(schedule.failed(identity, ticket: ticket, error: error, now: now, using: &generator))
    }
}

/// One identity's certificate for a dump.
package struct CertificateSnapshot: Hashable, Sendable {
    package enum State: Hashable, Sendable, CustomStringConvertible {
        case initializing
        case available
        case unavailable(String)

        /// As ztunnel's `config_dump` has it, which istioctl reads.
        package var description: String {
            switch self {
            case .initializing: "Initializing"
            case .available: "Available"
            case .unavailable(let error): "Unavailable: \(error)"
            }
        }
    }

    package let identity: Identity
    package let state: State
    package let leaf: CertificateSummary?
    package let intermediates: [CertificateSummary]
    package let roots: [CertificateSummary]
}
