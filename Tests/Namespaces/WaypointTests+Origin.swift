import Foundation
import MeshTesting
import Testing

extension WaypointTests {
    private static let bank = "10.96.0.40"

    @Test("speaks TLS to a service outside of the mesh, and to no other server than the right one")
    func origin() async throws {
        try await inMesh { mesh in
            try await prepare(mesh)
            let authority = try TestAuthority(name: "public")
            let name = "DNS:bank.example.com"
            let good = try authority.files("good", names: name)
            let old = try authority.files("old", names: name, days: -1)
            let foreign = try TestAuthority(name: "foreign")
            let other = try foreign.files("other", names: name)
            var servers: [MeshProcess] = []
            for (port, files) in [(8443, good), (8444, old), (8445, other)] {
                servers.append(
                    try await mesh.serveSecure(
                        in: "batch", port: port, certificate: files.certificate, key: files.key))
            }
            let waypoint = try await mesh.startWaypoint("waypoint", in: "waypoint-0")
            let roots = "\(authority.folder.path)/root.pem"
            try mesh.write("bank", Self.entry(at: try mesh.plan("batch").v4, roots: roots))
            var answer = try await mesh.web("web", "get", Self.bank, "80", "/page")
            try await Wait.eventually("the page", seconds: 40) {
                answer = try await mesh.web("web", "get", Self.bank, "80", "/page")
                return answer.output.contains("200 OK")
            }
            let seen = answer.output.lowercased()
            #expect(seen.contains("get /page http/1.1") && seen.contains("name=bank.example.com"), "\(seen)")
            let refusals = [
                (81, "invalid peer certificate: expired"), (82, "unknown issuer"),
                (83, "it is not for shop.example.com, but for bank.example.com"), (84, "unknown issuer"),
            ]
            for (port, reason) in refusals {
                let refused = try await mesh.web("web", "get", Self.bank, "\(port)", "/refused")
                #expect(refused.output.contains("HTTP/1.1 503 "), "\(port): \(refused.output)")
                try await Wait.eventually("the log says why: \(reason)") {
                    waypoint.output.split(separator: "\n").contains {
                        $0.contains("response_flags=UF") && $0.contains(reason)
                    }
                }
            }
            #expect(servers.contains { $0.output.contains("asked GET /page") })
            #expect(!servers.contains { $0.output.contains("/refused") })
            try mesh.remove("bank")
            // Their folders go with them.
            #expect(authority.rootPEM != foreign.rootPEM)
            await waypoint.stop()
            for server in servers { await server.stop(SIGKILL) }
        }
    }

    private static func entry(at address: String, roots: String) -> String {
        """
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: bank, namespace: shop, labels: { istio.io/use-waypoint: waypoint } }
        spec:
          hosts: [ bank.example.com ]
          addresses: [ \(bank) ]
          resolution: STATIC
          location: MESH_EXTERNAL
          ports:
          - { number: 80, name: http, protocol: HTTP, targetPort: 8443 }
          - { number: 81, name: http-old, protocol: HTTP, targetPort: 8444 }
          - { number: 82, name: http-foreign, protocol: HTTP, targetPort: 8445 }
          - { number: 83, name: http-wrong, protocol: HTTP, targetPort: 8443 }
          - { number: 84, name: http-system, protocol: HTTP, targetPort: 8443 }
          endpoints: [ { address: \(address) } ]
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { name: bank, namespace: shop }
        spec:
          host: bank.example.com
          trafficPolicy:
            tls: { mode: SIMPLE, caCertificates: \(roots) }
            portLevelSettings:
            - { port: { number: 83 }, tls: { mode: SIMPLE, caCertificates: \(roots), sni: shop.example.com } }
            - { port: { number: 84 }, tls: { mode: SIMPLE } }

        """
    }
}
