package import ControlAuthority
package import GRPCCore
package import Logging
import MeshModel
package import MeshWire
import SwiftProtobuf

/// Istio's certificate API. A node gets certificates only for identities of pods that the resources place on it,
/// everybody else only for his own.
package struct CertificateService: Istio_V1_Auth_IstioCertificateService.StreamingServiceProtocol {
    private static let impersonationKey = "ImpersonatedIdentity"

    private let authenticator: Authenticator
    private let authority: CurrentAuthority
    private let nodes: Board<NodeBook>
    private let metrics: ControlMetrics
    private let nowSeconds: @Sendable () -> Int64
    private let log: Logger

    /// - Parameter nowSeconds: Unix time.
    package init(
        authenticator: Authenticator, authority: CurrentAuthority, nodes: Board<NodeBook>,
        metrics: ControlMetrics, log: Logger, nowSeconds: @escaping @Sendable () -> Int64
    ) {
        self.authenticator = authenticator
        self.authority = authority
        self.nodes = nodes
        self.metrics = metrics
        self.log = log
        self.nowSeconds = nowSeconds
    }

    /// Streaming in form only: so the token is checked before a stranger's message is read.
    package func createCertificate(
        request: StreamingServerRequest<Istio_V1_Auth_IstioCertificateRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Istio_V1_Auth_IstioCertificateResponse> {
        let caller = try await authenticator.caller(request.metadata).holder
        let message = try await ServerRequest(stream: request).message
        do {
            let chain = try issue(message, for: caller)
            metrics.add(.certificatesIssued)
            return StreamingServerResponse(single: ServerResponse(message: .with { $0.certChain = chain }))
        } catch {
            metrics.add(.certificatesRefused)
            log.warning("certificate refused: \(error.message)", metadata: ["caller": "\(caller)"])
            throw error
        }
    }

    private func issue(
        _ request: Istio_V1_Auth_IstioCertificateRequest, for caller: TokenHolder
    ) throws(RPCError) -> [String] {
        let identity = try identity(request, of: caller)
        do {
            let issued = try authority.current.issue(
                signingRequestPEM: request.csr, identity: identity, requestedSeconds: request.validityDuration,
                nowSeconds: nowSeconds())
            log.info("certificate issued", metadata: [
                "caller": "\(caller)", "identity": "\(identity)", "serial": "\(issued.serialNumber)",
                "notAfter": "\(issued.validity.notAfterSeconds)",
            ])
            return issued.chainPEM
        } catch {
            throw RPCError(
                code: error.isCallersFault ? .invalidArgument : .internalError, message: error.description)
        }
    }

    /// Texts begin as clients of istiod know them.
    private func identity(
        _ request: Istio_V1_Auth_IstioCertificateRequest, of caller: TokenHolder
    ) throws(RPCError) -> Identity {
        guard let book = nodes.current else {
            throw RPCError(code: .unavailable, message: "resources are still being read: try again")
        }
        let asked = request.metadata.fields[Self.impersonationKey]?.stringValue ?? ""
        guard let text = asked.isEmpty ? Self.ownIdentity(of: caller, book) : asked else {
            throw Self.refusal("no metadata \(Self.impersonationKey): nodes get certificates for their pods only")
        }
        guard text.utf8.count <= ServeLimits.identityBytesMax, let identity = Identity(text) else {
            throw Self.refusal("\(Self.impersonationKey) is not of the form spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/NAME")
        }
        guard identity.trustDomain == book.trustDomain else {
            throw Self.refusal("\(identity) is of another trust domain than \(book.trustDomain)")
        }
        switch caller {
        case .node(let node):
            guard book.isPlaced(identity, onNode: node) else {
                throw Self.refusal("the resources place no pod of \(identity) on node \(node)")
            }
        case .account(let account):
            guard identity.namespace == account.namespace, identity.serviceAccount == account.name else {
                throw Self.refusal("\(caller) may ask for itself only, not for \(identity)")
            }
            guard book.waypoints.contains(identity) else {
                throw Self.refusal("the resources know no waypoint of \(identity)")
            }
        case .pod(let namespace, _, let account):
            guard identity.namespace == namespace, identity.serviceAccount == account else {
                throw Self.refusal("\(caller) may ask for itself only, not for \(identity)")
            }
        }
        return identity
    }

    /// Who asks for itself need not say so.
    private static func ownIdentity(of caller: TokenHolder, _ book: NodeBook) -> String? {
        guard case .pod(let namespace, _, let account) = caller else { return nil }
        return "spiffe://\(book.trustDomain)/ns/\(namespace)/sa/\(account)"
    }

    private static func refusal(_ reason: String) -> RPCError {
        RPCError(code: .unauthenticated, message: "request impersonation authentication failure: \(reason)")
    }
}
