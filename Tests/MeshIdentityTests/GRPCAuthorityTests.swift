import GRPCCore
import GRPCNIOTransportHTTP2Posix
import MeshIdentity
import MeshModel
import MeshTLS
import MeshWire
import SwiftProtobuf
import Synchronization
import Testing

/// The certificate API as a server would have it, on loopback.
final class AuthorityService: Istio_V1_Auth_IstioCertificateService.ServiceProtocol {
    typealias Request = Istio_V1_Auth_IstioCertificateRequest
    typealias Response = Istio_V1_Auth_IstioCertificateResponse

    private let authority: ScriptedAuthority
    private let seen = Mutex<[(message: Request, metadata: Metadata)]>([])

    var requests: [(message: Request, metadata: Metadata)] { seen.withLock { $0 } }

    init(_ authority: ScriptedAuthority) { self.authority = authority }

    func createCertificate(
        request: ServerRequest<Request>, context: ServerContext
    ) async throws -> ServerResponse<Response> {
        seen.withLock { $0.append((request.message, request.metadata)) }
        let name = request.message.metadata.fields["ImpersonatedIdentity"]?.stringValue ?? ""
        guard let identity = Identity(name), identity.serviceAccount != "nobody" else {
            throw RPCError(code: .unauthenticated, message: "request impersonation authentication failure")
        }
        let leaf = try authority.issue(request.message.csr, for: identity)
        return ServerResponse(message: .with { $0.certChain = [leaf, authority.root] })
    }
}

@Suite("The certificate API over a real connection", .timeLimit(.minutes(1)))
struct GRPCAuthorityTests {
    private func withAuthority(
        _ body: @Sendable (AuthorityService, GRPCCertificateAuthority<HTTP2ClientTransport.Posix>) async throws -> Void
    ) async throws {
        let service = AuthorityService(try ScriptedAuthority())
        let server = GRPCServer(
            transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
            services: [service])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.serve() }
            let address = try #require(try await server.listeningAddress?.ipv4)
            let client = GRPCClient(
                transport: try HTTP2ClientTransport.Posix(
                    target: .ipv4(address: "127.0.0.1", port: address.port), transportSecurity: .plaintext))
            group.addTask { try? await client.runConnections() }
            defer { group.cancelAll() }
            try await body(service, GRPCCertificateAuthority { call in
                try await call(client, ["authorization": "Bearer secret"])
            })
        }
    }

    @Test("a request names the identity it is for, and its answer makes a certificate")
    func request() async throws {
        try await withAuthority { service, authority in
            let key = try PrivateKey.generate()
            let request = try SigningRequest.pem(for: identity("web"), key: key)
            let chain = try await authority.sign(
                request: request, for: identity("web"), validitySeconds: 3600, timeout: .seconds(20))
            let certificate = try WorkloadCertificate(chainPEM: chain, key: key, expecting: identity("web"))
            #expect(certificate.identity == identity("web"))
            let seen = try #require(service.requests.first)
            #expect(seen.message.csr == request)
            #expect(seen.message.validityDuration == 3600)
            #expect(
                seen.message.metadata.fields["ImpersonatedIdentity"]?.stringValue
                    == "spiffe://cluster.local/ns/ns/sa/web")
            #expect(Array(seen.metadata[stringValues: "authorization"]) == ["Bearer secret"])
        }
    }

    @Test("a refusal carries the authority's words")
    func refusal() async throws {
        try await withAuthority { _, authority in
            let error = await #expect(throws: IdentityError.self) {
                try await authority.sign(
                    request: "", for: identity("nobody"), validitySeconds: 1, timeout: .seconds(20))
            }
            guard case .refused(identity("nobody"), _, "request impersonation authentication failure") = error else {
                Issue.record("expected: refused, found: \(String(describing: error))")
                return
            }
        }
    }
}
