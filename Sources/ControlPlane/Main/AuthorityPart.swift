import ControlAuthority
import ControlServe
import Logging
import ServiceLifecycle

/// Takes up changes of the authority where it lies, and says what it cannot take up.
struct AuthorityPart: ServiceLifecycle.Service {
    let origin: AuthorityOrigin
    let authority: CurrentAuthority
    let fingerprint: String
    let lifetimes: LifetimePolicy
    let state: StateDirectory
    let renewal: CertificateRenewal
    let server: ControlServer
    let metrics: ControlMetrics
    let nowSeconds: @Sendable () -> Int64
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            switch origin {
            case .state(let state): await watch(AuthorityFiles(state))
            case .directory, .secret: await follow()
            }
        }
    }

    /// A state directory is read at start only, so a change of it must not go unnoticed.
    private func watch(_ files: AuthorityFiles) async {
        var files = files
        while await pause() {
            for path in files.changes() {
                log.warning(
                    """
                    \(path) has changed; certificates are still signed with what it held when apusd started: \
                    restart apusd to take up the change
                    """)
            }
        }
    }

    private func follow() async {
        var seen = fingerprint
        var told = ""
        while await pause() {
            do {
                guard let text = try await origin.text(), text.fingerprint != seen else { continue }
                let next = try CertificateAuthority(text, lifetimes: lifetimes, nowSeconds: nowSeconds())
                try authority.replace(by: next)
                metrics.set(.signerNotAfterSeconds, Int(next.signerNotAfterSeconds))
                try state.replace(AuthorityFile.roots, next.rootsPEM)
                try server.use(renewal.make())
                seen = text.fingerprint
                told = ""
                log.info("the authority is another one now", metadata: ["signer": "\(next.signerName)"])
            } catch {
                guard !Task.isCancelled, told != "\(error)" else { continue }
                told = "\(error)"
                log.error("the authority stays as it was: \(error)")
            }
        }
    }

    private func pause() async -> Bool {
        do { try await Task.sleep(for: .seconds(origin.lookSeconds)) } catch { return false }
        return true
    }
}
