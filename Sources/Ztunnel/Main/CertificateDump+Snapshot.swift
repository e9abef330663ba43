import MeshIdentity
import MeshModel
import MeshTLS
import ZtunnelNode

extension CertificateDump {
    init(_ snapshot: CertificateSnapshot) {
        self.init(
            identity: snapshot.identity.description, state: "\(snapshot.state)",
            certChain: ([snapshot.leaf].compactMap { $0 } + snapshot.intermediates).map(Item.init),
            rootCerts: snapshot.roots.map(Item.init)
        )
    }
}

extension CertificateDump.Item {
    init(_ certificate: CertificateSummary) {
        self.init(
            pem: certificate.pem, serialNumber: certificate.serialNumber,
            validFrom: UnixTime.text(certificate.notBeforeSeconds),
            expirationTime: UnixTime.text(certificate.notAfterSeconds)
        )
    }
}
