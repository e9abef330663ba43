import ControlAuthority
import NIOCertificateReloading
import NIOSSL
import Synchronization

/// The certificate that the TLS port shows in its next handshake. Asked once per handshake, on its event loop.
final class ServedCertificate: CertificateReloader {
    /// No change at first: the port starts with the certificate it was made with.
    private let present = Mutex(NIOSSLContextConfigurationOverride.noChanges)

    var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride { present.withLock { $0 } }

    /// Errors: `.encoding`.
    func replace(by certificate: ServerCertificate) throws(AuthorityError) {
        var next = NIOSSLContextConfigurationOverride()
        do {
            next.certificateChain = try certificate.chainPEM.map { text in
                .certificate(try NIOSSLCertificate(bytes: Array(text.utf8), format: .pem))
            }
            next.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(certificate.keyPEM.utf8), format: .pem))
        } catch {
            throw .encoding("\(error)")
        }
        present.withLock { $0 = next }
    }
}
