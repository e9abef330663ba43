package import GRPCCore
package import MeshModel

import MeshWire
import SwiftProtobuf

/// Whoever signs our requests.
package protocol CertificateAuthorityClient: Sendable {
    /// The chain for a signing request (PEM): leaf, intermediates, last the roots.
    func sign(
        request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
    ) async throws(IdentityError) -> [String]
}

/// Istio's certificate API (`istio.v1.auth.IstioCertificateService`). Asks on behalf of a pod's identity; the authority
/// checks that such a pod is on our node.
package struct GRPCCertificateAuthority<Transport: ClientTransport>: CertificateAuthorityClient {
    package typealias Call = @Sendable (GRPCClient<Transport>, Metadata) async throws -> [String]

    private let perform: @Sendable (@escaping Call) async throws -> [String]

    /// - `perform`: runs a call on a connected client with the metadata that authenticates us; both fresh each time.
    package init(perform: @escaping @Sendable (@escaping Call) async throws -> [String]) { self.perform = perform }

    /// One call of the certificate API; the chain as it came.
    package func sign(
        request: String, for identity: Identity, validitySeconds: Int64, timeout: Duration
    ) async throws(IdentityError) -> [String] {
        let message = Istio_V1_Auth_IstioCertificateRequest.with {
            $0.csr = request
            $0.validityDuration = validitySeconds
            $0.metadata.fields["ImpersonatedIdentity"] = .init(stringValue: identity.description)
        }
        do {
            return try await perform { client, metadata in
                var options = CallOptions.defaults
                options.timeout = timeout
                options.maxResponseMessageBytes = CertificateLimits.responseBytesMax
                let authority = Istio_V1_Auth_IstioCertificateService.Client(wrapping: client)
                return try await authority.createCertificate(message, metadata: metadata, options: options) {
                    try $0.message.certChain
                }
            }
        } catch let error as RPCError {
            switch error.code {
            case .unavailable, .deadlineExceeded, .cancelled:
                throw .unreachable(identity: identity, reason: "\(error.code): \(error.message)")
            default:
                throw .refused(identity: identity, code: "\(error.code)", message: error.message)
            }
        } catch {
            throw .unreachable(identity: identity, reason: "\(error)")
        }
    }
}

/// Limits of certificates.
package enum CertificateLimits {
    /// A chain with a bundle of some hundred roots; more is a mistake or an attack.
    package static let responseBytesMax = 1024 * 1024
}
