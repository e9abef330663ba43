import Foundation
import MeshTesting
import Testing

@Suite("A certificate", .serialized, .mesh { $0.certificateLifetime = "10s" })
struct CertificateTests {
    @Test("of another service account: new connections tell the new identity, a live one keeps the one it came with")
    func identityChanges() async throws {
        try await inMesh { mesh in
            let live = try await mesh.steady(from: "web", to: "10.80.2.10")
            var web = try mesh.plan("web")
            web.serviceAccount = "web-next"
            try mesh.write("pod-web", web.yaml)
            try await Wait.eventually("the new identity at the other end", seconds: 20) {
                guard try await mesh.answers(from: "web", to: "10.80.2.10") else { return false }
                return mesh.log(2).contains("src.identity=\"spiffe://cluster.local/ns/shop/sa/web-next\"")
            }
            try await live.expectProgress()
            try mesh.policy(
                "no-web",
                """
                selector: { matchLabels: { app: api } }
                action: DENY
                rules: [ { from: [ { source: { principals: [ cluster.local/ns/shop/sa/web ] } } ] } ]
                """)
            try await live.untilBroken()
            #expect(try await mesh.answers(from: "web", to: "10.80.2.10"), "it is somebody else now")
            try mesh.remove("no-web")

            var api = try mesh.plan("api")
            api.serviceAccount = "api-next"
            try mesh.write("pod-api", api.yaml)
            try await Wait.eventually("the server with its new identity", seconds: 20) {
                guard try await mesh.answers(from: "web", to: "10.80.2.10") else { return false }
                return mesh.log(1).contains("dst.identity=\"spiffe://cluster.local/ns/shop/sa/api-next\"")
            }
            for name in ["web", "api"] { try mesh.write("pod-\(name)", try mesh.plan(name).yaml) }
            try await Wait.eventually("as before", seconds: 20) {
                guard try await mesh.apus(1, "certs").output.contains("sa/web ") else { return false }
                return try await mesh.answers(from: "web", to: "10.80.2.10")
            }
        }
    }

    @Test("whose root is gone ends live connections with that reason, and new ones are made with the new root")
    func rootReplaced() async throws {
        try await inMesh { mesh in
            let live = try await mesh.steady(from: "web", to: "10.80.2.10")
            let reason = "peer certificate is no longer trusted"
            #expect(!(mesh.log(1) + mesh.log(2)).contains(reason))
            let root = "\(mesh.state)/root.crt"
            try (String(contentsOfFile: root, encoding: .utf8) + "\n")
                .write(toFile: root, atomically: true, encoding: .utf8)
            try await Wait.eventually("apusd says what to do") {
                mesh.text("apusd.log").split(separator: "\n").contains {
                    $0.contains("root.crt has changed") && $0.contains("restart apusd")
                }
            }
            await mesh.apusd?.stop()
            for name in ["ca.key", "ca.crt", "root.crt"] {
                try FileManager.default.removeItem(atPath: "\(mesh.state)/\(name)")
            }
            try mesh.startApusd()
            try await live.untilBroken(seconds: 30)
            try await Wait.eventually("the reason in a log") { (mesh.log(1) + mesh.log(2)).contains(reason) }
            try await Wait.eventually("both nodes have the new root", seconds: 30, everyMilliseconds: 200) {
                try await mesh.answers(from: "web", to: "10.80.2.10")
            }
        }
    }
}
