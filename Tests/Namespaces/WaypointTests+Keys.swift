import Foundation
import MeshTesting
import Testing

/// Keys that a RequestAuthentication names by `jwksUri`, from servers in the mesh.
extension WaypointTests {
    private static func text(_ uri: String) -> String {
        """
        apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: tokens, namespace: shop }
        spec:
          targetRefs: [ { group: "", kind: Service, name: api } ]
          jwtRules: [ { issuer: "https://issuer", jwksUri: "\(uri)" } ]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: subjects, namespace: shop }
        spec:
          targetRefs: [ { group: "", kind: Service, name: api } ]
          action: ALLOW
          rules:
          - from: [ { source: { requestPrincipals: [ "https://issuer/ann" ] } } ]

        """
    }

    private static func answers(
        _ mesh: MeshFixture, _ status: Int, _ issuer: Issuer, _ words: String = ""
    ) async throws -> Bool {
        let answer = try await get(mesh, [try issuer.field("ann")])
        return answer.hasPrefix("HTTP/1.1 \(status) ") && (words.isEmpty || answer.contains(words))
    }

    @Test("believes keys that it fetches: new ones when they change, the known ones for a time without their server")
    func fetchedKeys() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let (file, address) = ("\(mesh.directory.path)/keys.json", try mesh.plan("batch").v4)
            let (issuer, next) = (Issuer(), Issuer(key: "next"))
            try issuer.keySet.write(toFile: file, atomically: true, encoding: .utf8)
            func serveKeys() async throws -> MeshProcess {
                try await mesh.serveKeys(
                    in: mesh.namespace("batch"), port: 8443, file: file, securedFor: address)
            }
            var keys = try await serveKeys()
            let waypoint = try await mesh.startWaypoint(
                "waypoint", in: "waypoint-0",
                settings: [
                    "APUS_JWKS_ROOT_CA": "\(file).crt", "APUS_JWKS_REFRESH": "1s", "APUS_JWKS_AGE_MAX": "10s",
                ])
            try mesh.write("tokens", Self.text("https://\(address):8443/keys"))
            try await Wait.eventually("a token is believed", seconds: 20) {
                try await Self.answers(mesh, 200, issuer)
            }
            #expect(keys.output.contains("asked /keys"))
            #expect(try await Self.answers(mesh, 401, next, "Jwks doesn't have key to match kid or alg from Jwt"))

            try next.keySet.write(toFile: file, atomically: true, encoding: .utf8)
            try await Wait.eventually("the new key", seconds: 20) { try await Self.answers(mesh, 200, next) }
            #expect(try await Self.answers(mesh, 401, issuer))

            await keys.stop(SIGKILL)
            try await Wait.eventually("a fetch that failed", seconds: 20) {
                waypoint.output.contains("keys not fetched; those known stay in use")
            }
            #expect(try await Self.answers(mesh, 200, next))
            #expect(try await Self.answers(mesh, 401, Issuer(key: "other")))
            try await Wait.eventually("the keys are too old", seconds: 30) {
                try await Self.answers(mesh, 401, next, "Jwks remote fetch is failed")
            }
            keys = try await serveKeys()
            try await Wait.eventually("the server is back", seconds: 40) { try await Self.answers(mesh, 200, next) }
            try mesh.remove("tokens")
            await waypoint.stop()
            for process in [server, keys] { await process.stop(SIGKILL) }
        }
    }

    @Test("fetches no keys from link-local addresses or the control plane, unless a setting allows the former")
    func refusedKeyServers() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let server = try await mesh.serveHTTP(in: "api", port: 7080)
            let file = "\(mesh.directory.path)/metadata.json"
            let issuer = Issuer()
            try issuer.keySet.write(toFile: file, atomically: true, encoding: .utf8)
            // The pod's router, as clouds have their metadata there.
            let metadata = try await mesh.serveKeys(in: mesh.nodes[1], port: 8180, file: file)
            var waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            try mesh.write("tokens", Self.text("http://169.254.1.1:8180/latest"))
            let refusal = "no keys are fetched from the address of 169.254.1.1"
            try await Wait.eventually("the refusal", seconds: 20) { waypoint.output.contains(refusal) }
            #expect(try await Self.answers(mesh, 401, issuer))
            try mesh.write("tokens", Self.text("https://10.80.0.1:15012/"))
            try await Wait.eventually("the control plane is refused", seconds: 20) {
                waypoint.output.contains("no keys are fetched from the address of 10.80.0.1")
            }
            #expect(!metadata.output.contains("asked"))
            await waypoint.stop()

            try mesh.write("tokens", Self.text("http://169.254.1.1:8180/latest"))
            waypoint = try await mesh.startWaypoint(
                "waypoint", in: "waypoint-0", settings: ["APUS_JWKS_ALLOWED_CIDRS": "169.254.1.1"])
            try await Wait.eventually("a token is believed", seconds: 20) {
                try await Self.answers(mesh, 200, issuer)
            }
            #expect(metadata.output.contains("asked /latest"))
            try mesh.remove("tokens")
            await waypoint.stop()
            for process in [server, metadata] { await process.stop(SIGKILL) }
        }
    }
}
