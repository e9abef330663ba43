import Crypto
import Foundation
import MeshTesting
import Testing

extension WaypointTests {
    /// An issuer with a key of its own.
    struct Issuer {
        let identifier: String
        private let key = P256.Signing.PrivateKey()

        init(key identifier: String = "k") { self.identifier = identifier }

        var keySet: String {
            let point = key.publicKey.rawRepresentation
            let (x, y) = (Self.text(point.prefix(32)), Self.text(point.suffix(32)))
            return #"{"keys":[{"kty":"EC","crv":"P-256","kid":"\#(identifier)","x":"\#(x)","y":"\#(y)"}]}"#
        }

        /// A field with a token of this subject that ends in some seconds.
        func field(_ subject: String, issuer: String = "https://issuer", seconds: Int = 600) throws -> String {
            let expiry = Int(Date().timeIntervalSince1970) + seconds
            let head = Self.text(Data(#"{"alg":"ES256","kid":"\#(identifier)"}"#.utf8))
            let payload = Self.text(Data(#"{"iss":"\#(issuer)","sub":"\#(subject)","exp":\#(expiry)}"#.utf8))
            let signature = try key.signature(for: Data("\(head).\(payload)".utf8)).rawRepresentation
            return "Authorization: Bearer \(head).\(payload).\(Self.text(signature))"
        }

        private static func text(_ data: some DataProtocol) -> String {
            Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
    }

    /// The whole answer to a request with these fields.
    static func get(_ mesh: MeshFixture, _ fields: [String]) async throws -> String {
        let command =
            ["ip", "netns", "exec", try mesh.namespace("web").name, "python3", mesh.programs.web]
            + ["get", address, "80", "/", "GET"] + fields
        return try await offload { try Shell.runAnyStatus(command) }.output
    }

    @Test("believes tokens of the issuer it is told, refuses others with 401, and judges by their subjects")
    func tokens() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let issuer = Issuer()
            try mesh.write(
                "tokens",
                """
                apiVersion: security.istio.io/v1
                kind: RequestAuthentication
                metadata: { name: tokens, namespace: shop }
                spec:
                  targetRefs: [ { group: "", kind: Service, name: api } ]
                  jwtRules:
                  - issuer: https://issuer
                    jwks: '\(issuer.keySet)'
                ---
                apiVersion: security.istio.io/v1
                kind: AuthorizationPolicy
                metadata: { name: subjects, namespace: shop }
                spec:
                  targetRefs: [ { group: "", kind: Service, name: api } ]
                  action: ALLOW
                  rules:
                  - from: [ { source: { requestPrincipals: [ "https://issuer/ann" ] } } ]

                """)
            func status(_ fields: String...) async throws -> String {
                let output = try await Self.get(mesh, fields)
                return String(output.dropFirst("HTTP/1.1 ".count).prefix(3))
            }
            try await Wait.eventually("policies") { try await status() == "403" }
            #expect(try await status(try issuer.field("ann")) == "200")
            #expect(try await status(try issuer.field("bob")) == "403")
            #expect(try await status(try issuer.field("ann", seconds: -600)) == "401")
            #expect(try await status(try issuer.field("ann", issuer: "https://other")) == "401")
            #expect(try await status(try Issuer().field("ann")) == "401")
            #expect(try await status("Authorization: Bearer nonsense") == "401")
            #expect(!server.output.contains("401"))
            try mesh.remove("tokens")
            await waypoint.stop()
            await server.stop(SIGKILL)
        }
    }
}
