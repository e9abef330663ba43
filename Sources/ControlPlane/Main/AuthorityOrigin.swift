import ControlAuthority
import ControlKubernetes
import ControlServe
import ControlTranslate
import Foundation
import Logging

/// Where the authority lies.
enum AuthorityOrigin: Sendable {
    /// Made there at first start.
    case state(StateDirectory)
    /// Files that somebody else keeps, as a Secret is mounted.
    case directory(String)
    /// Made there by the first replica.
    case secret(AuthoritySecret)

    private static let retrySeconds = 2

    /// How often it is looked at.
    var lookSeconds: Int64 {
        switch self {
        case .state, .directory: ServeLimits.authorityLookSeconds
        case .secret: ServeLimits.authoritySecretLookSeconds
        }
    }

    /// What signs from the start on. Waits for an API server that cannot be asked: without its authority this process
    /// is of no use.
    func open(_ settings: ApusdSettings, nowSeconds: @Sendable () -> Int64, log: Logger) async throws -> Opened {
        switch self {
        case .state(let state):
            let authority = try CertificateAuthority(
                in: state, trustDomain: settings.translate.trustDomain, lifetimes: settings.lifetimes,
                nowSeconds: nowSeconds())
            return Opened(authority: authority, fingerprint: "")
        case .directory(let path):
            return try Opened(Self.files(path), settings.lifetimes, nowSeconds())
        case .secret(let secret):
            var told: AuthoritySecretError?
            while true {
                do {
                    let text = try await secret.open(
                        trustDomain: settings.translate.trustDomain, nowSeconds: nowSeconds())
                    return try Opened(text, settings.lifetimes, nowSeconds())
                } catch let error as AuthoritySecretError {
                    guard case .api = error else { throw error }
                    if told != error { log.warning("no authority yet: \(error); trying again") }
                    told = error
                }
                try await Task.sleep(for: .seconds(Self.retrySeconds))
            }
        }
    }

    /// What is there now; `nil`: nothing that could be taken up.
    func text() async throws -> AuthorityText? {
        switch self {
        case .state: return nil
        case .directory(let path): return try Self.files(path)
        case .secret(let secret): return try await secret.read()
        }
    }

    private static func files(_ path: String) throws(AuthorityError) -> AuthorityText {
        var entries: [String: String] = [:]
        for name in AuthorityText.entryNames {
            let file = "\(path)/\(name)"
            guard FileManager.default.fileExists(atPath: file) else { continue }
            entries[name] = try StateDirectory.readMounted(file, bytesMax: AuthorityLimits.certificateFileBytesMax)
        }
        return try AuthorityText(entries: entries, place: path)
    }
}

/// An authority, and which version of its origin it was.
struct Opened: Sendable {
    let authority: CertificateAuthority
    let fingerprint: String

    init(authority: CertificateAuthority, fingerprint: String) {
        self.authority = authority
        self.fingerprint = fingerprint
    }

    init(_ text: AuthorityText, _ lifetimes: LifetimePolicy, _ nowSeconds: Int64) throws(AuthorityError) {
        authority = try CertificateAuthority(text, lifetimes: lifetimes, nowSeconds: nowSeconds)
        fingerprint = text.fingerprint
    }
}
