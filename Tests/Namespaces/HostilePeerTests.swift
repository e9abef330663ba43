import Foundation
import MeshTesting
import Testing

@Suite("A hostile peer", .serialized, .mesh)
struct HostilePeerTests {
    /// Makes a certificate with this SPIFFE identity, signed by the mesh's own authority or by a stranger.
    private func certificate(
        _ identity: String, foreign: Bool, _ mesh: MeshFixture
    ) async throws -> (certificate: String, key: String) {
        let base = "\(mesh.directory.path)/peer-\(UUID().uuidString.prefix(8))"
        let issuer = foreign ? "\(base)-ca" : "\(mesh.state)/ca"
        try await offload {
            if foreign {
                try Shell.run([
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "\(issuer).key", "-out", "\(issuer).crt", "-subj", "/O=cluster.local", "-days", "1",
                ])
            }
            try Shell.run([
                "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "\(base).key", "-out", "\(base).csr", "-subj", "/",
            ])
            let extensions = """
                subjectAltName=critical,URI:\(identity)
                keyUsage=critical,digitalSignature
                extendedKeyUsage=serverAuth,clientAuth
                basicConstraints=critical,CA:FALSE

                """
            try extensions.write(toFile: "\(base).ext", atomically: false, encoding: .utf8)
            try Shell.run([
                "openssl", "x509", "-req", "-in", "\(base).csr", "-CA", "\(issuer).crt", "-CAkey", "\(issuer).key",
                "-set_serial", "0x\(UInt32.random(in: 1...UInt32.max))", "-days", "1", "-extfile", "\(base).ext",
                "-out", "\(base).crt",
            ])
        }
        return ("\(base).crt", "\(base).key")
    }

    /// Speaks HBONE from node1 to api's 15008.
    private func tunnel(_ mesh: MeshFixture, to authority: String, _ files: [String]) async throws -> String {
        let node = mesh.nodes[0]
        let command = ["ip", "netns", "exec", node.name, "python3", mesh.programs.traffic]
        return try await offload {
            try Shell.runAnyStatus(command + ["tunnel", "10.80.2.10", authority] + files).output
        }
    }

    @Test("gets nowhere without a certificate, with a stranger's, or with that of another trust domain")
    func certificates() async throws {
        try await inMesh { mesh in
            let web = "spiffe://cluster.local/ns/shop/sa/web"
            let honest = try await certificate(web, foreign: false, mesh)
            let through = try await tunnel(mesh, to: "10.80.2.10:7000", [honest.certificate, honest.key])
            #expect(through.contains("answered"), "the same client with a certificate of the mesh: \(through)")
            let accepted = mesh.serverOutput("api")

            let stranger = try await certificate(web, foreign: true, mesh)
            let elsewhere = try await certificate("spiffe://elsewhere/ns/shop/sa/web", foreign: false, mesh)
            let nobody = try await certificate("https://example.com/", foreign: false, mesh)
            for files in [
                [], [stranger.certificate, stranger.key], [elsewhere.certificate, elsewhere.key],
                [nobody.certificate, nobody.key],
            ] {
                let outcome = try await tunnel(mesh, to: "10.80.2.10:7000", files)
                #expect(!outcome.contains("answered"), "\(files): \(outcome)")
                #expect(!outcome.contains("headers:88"), "\(files): \(outcome)")
            }
            #expect(mesh.serverOutput("api") == accepted, "nothing reached the application")
            try await Wait.eventually("the refusals in the log") {
                mesh.log(2).split(separator: "\n").filter { $0.contains("tls error") }.count >= 3
            }
        }
    }

    @Test("with a good certificate reaches only the pod it speaks to, and none of the proxy's own ports")
    func authorities() async throws {
        try await inMesh { mesh in
            let files = try await certificate("spiffe://cluster.local/ns/shop/sa/web", foreign: false, mesh)
            let accepted = ["batch", "cart", "api"].map(mesh.serverOutput)
            for authority in [
                "10.80.2.11:7000", "10.80.1.11:7000", "127.0.0.1:7000", "10.80.2.10:15001", "10.80.2.10:15006",
                "10.80.2.10:15008", "10.80.2.10", "10.80.2.10:0", "10.80.2.10:99999", "nobody.example:80",
                "169.254.169.254:80",
            ] {
                let outcome = try await tunnel(mesh, to: authority, [files.certificate, files.key])
                #expect(!outcome.contains("answered") && !outcome.contains("headers:88"), "\(authority): \(outcome)")
            }
            #expect(["batch", "cart", "api"].map(mesh.serverOutput) == accepted, "nothing reached an application")
            let after = try await tunnel(mesh, to: "10.80.2.10:7000", [files.certificate, files.key])
            #expect(after.contains("answered"), "\(after)")
        }
    }

    @Test("ISTIO-SECURITY-2019-006: calls of the proxy's ports, from pod or neighbour, make no loop and no open door")
    func directCalls() async throws {
        try await inMesh { mesh in
            let descriptors = try #require(mesh.ztunnel(2)).descriptorCount
            // An address of the pod that nobody told the control plane.
            try mesh.namespace("api").run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
            let junk = ["16030100050100000100", "00000000", "474554202f20485454502f312e310d0a0d0a"]
            for caller in ["web", "batch", "api"] {
                for port in ["15001", "15006", "15008"] {
                    let own = caller == "api" ? ["127.0.0.1", "::1", "10.99.0.1"] : []
                    for host in ["10.80.2.10", "fd80::2:10"] + own {
                        let outcome = try await mesh.traffic(caller, "raw", host, port, junk[(Int(port) ?? 0) % 3])
                        let call = "\(caller) to \(host):\(port)"
                        #expect(!outcome.output.contains("flooded"), "\(call): \(outcome.output)")
                        let open = mesh.ztunnel(2)?.descriptorCount ?? 0
                        #expect(open < descriptors + 50, "\(call) set off a loop")
                    }
                }
            }
            #expect(mesh.ztunnel(2)?.isRunning == true && mesh.ztunnel(1)?.isRunning == true)
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"))
            try await Wait.eventually("the descriptors back", seconds: 20) {
                (mesh.ztunnel(2)?.descriptorCount ?? 0) <= descriptors + 6
            }
        }
    }
}
