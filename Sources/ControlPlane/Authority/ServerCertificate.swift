import Crypto
import FoundationEssentials
package import MeshModel
import SwiftASN1
import X509

/// A name by which clients reach the control plane.
package enum ServerName: Hashable, Sendable, CustomStringConvertible {
    case dns(String)
    case ip(IPAddress)

    /// An IP address or a DNS name (letters, digits, `-`, `.`, and `*` as the first label); else `nil`.
    package init?(_ text: String) {
        if let address = IPAddress(text) {
            self = .ip(address)
            return
        }
        let isName = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
        }
        guard isName, (1...253).contains(text.utf8.count), !text.hasPrefix(".") else { return nil }
        self = .dns(text)
    }

    package var description: String {
        switch self {
        case .dns(let name): return name
        case .ip(let address): return address.description
        }
    }
}

/// The certificate and key of the control plane's own TLS port. The key stays in memory.
package struct ServerCertificate: Sendable {
    /// Leaf and intermediates.
    package let chainPEM: [String]
    package let keyPEM: String
    package let validity: ValidityPeriod

    /// A fresh key and a certificate for these names. Its life ends with the authority's own at the latest.
    package init(
        from authority: CertificateAuthority, names: [ServerName],
        lifetimeSeconds: Int64 = AuthorityLimits.serverLifetimeSeconds, nowSeconds: Int64
    ) throws(AuthorityError) {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let generalNames = names.map { name -> GeneralName in
            switch name {
            case .dns(let text): return .dnsName(text)
            case .ip(let address): return .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
            }
        }
        let issued: IssuedCertificate
        do {
            issued = try authority.issueServer(
                key.publicKey, names: generalNames, lifetimeSeconds: lifetimeSeconds, nowSeconds: nowSeconds)
        } catch {
            throw .encoding(error.description)
        }
        self.chainPEM = Array(issued.chainPEM.dropLast())
        self.keyPEM = try SigningMaterial.pem(of: key)
        self.validity = issued.validity
    }
}
