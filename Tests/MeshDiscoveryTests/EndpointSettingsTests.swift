import Foundation
import MeshDiscovery
import Testing

@Suite("Endpoints by the environment")
struct EndpointSettingsTests {
    private static func endpoint(
        _ environment: [String: String], _ api: ControlPlaneEndpoint.API = .discovery
    ) -> ControlPlaneEndpoint? {
        ControlPlaneEndpoint(api, clusterID: "c", headers: ["X-One": "1", "a": "2"]) { environment[$0] }
    }

    @Test("nothing set: istiod's place in a cluster, ourselves elsewhere, and the files that its charts mount")
    func standard() throws {
        let inCluster = try #require(Self.endpoint(["KUBERNETES_SERVICE_HOST": "10.96.0.1"]))
        #expect(inCluster.host == "istiod.istio-system.svc" && inCluster.port == 15012)
        let elsewhere = try #require(Self.endpoint(["KUBERNETES_SERVICE_HOST": ""]))
        #expect(elsewhere.host == "localhost" && elsewhere.port == 15012)
        #expect(elsewhere.security == .tls(.file("./var/run/secrets/istio/root-cert.pem")))
        #expect(elsewhere.token == .file("./var/run/secrets/tokens/istio-token"))
        #expect(elsewhere.headers.map(\.name) == ["X-One", "a"])
        #expect(elsewhere.alternativeServerName == nil && elsewhere.clusterID == "c")
    }

    @Test("each API has its own address, roots and alternative name; the token is one")
    func own() throws {
        let environment = [
            "XDS_ADDRESS": "istiod-canary.istio-system.svc:15012", "CA_ADDRESS": "https://[fd00::1]:443",
            "XDS_ROOT_CA": "SYSTEM", "CA_ROOT_CA": "/etc/roots.pem", "ALT_CA_HOSTNAME": "istiod",
            "AUTH_TOKEN": "e30.e30.abc",
        ]
        let discovery = try #require(Self.endpoint(environment))
        #expect(discovery.host == "istiod-canary.istio-system.svc" && discovery.security == .tls(.system))
        #expect(discovery.alternativeServerName == nil)
        let certificates = try #require(Self.endpoint(environment, .certificates))
        #expect(certificates.host == "fd00::1" && certificates.port == 443)
        #expect(certificates.security == .tls(.file("/etc/roots.pem")))
        #expect(certificates.alternativeServerName == "istiod")
        #expect(discovery.token == .literal("e30.e30.abc") && certificates.token == discovery.token)
    }

    @Test("roots may be given as they are, a token's file may come later or lie here under a plain name")
    func forms() throws {
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
        #expect(Self.endpoint(["XDS_ROOT_CA": pem])?.security == .tls(.pem(pem)))
        #expect(Self.endpoint(["AUTH_TOKEN": "/not/there/yet"])?.token == .file("/not/there/yet"))
        let name = "apust-token-\(UUID().uuidString)"
        try Data("x".utf8).write(to: URL(fileURLWithPath: name))
        defer { try? FileManager.default.removeItem(atPath: name) }
        #expect(Self.endpoint(["AUTH_TOKEN": name])?.token == .file(name))
    }

    @Test("what is no address is none", arguments: ["", "https://", "https://a/b:1", "a:b"])
    func wrong(address: String) { #expect(Self.endpoint(["XDS_ADDRESS": address]) == nil) }
}
