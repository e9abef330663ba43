import Foundation
import MeshTesting
import Testing

/// The root of a mesh is another one in the end, in the steps of docs/root-change.md.
@Suite("A root change at a real API server", .serialized, .enabled(if: APIServer.programs != nil))
struct RootChangeTests {
    /// Where the authority lies.
    enum Place: String, CaseIterable {
        /// The Secret `cacerts` of the system namespace.
        case secret
        /// Files of a Secret of type kubernetes.io/tls, as a kubelet mounts them.
        case files
    }

    /// Of workload certificates; every wait of the steps follows from it.
    private static let lifetimeSeconds = 10.0
    /// How long the load's connections live: less than a certificate, since one that was made with an old one ends with
    /// the old root.
    private static let connectionSeconds = 3
    private static let secrets = "/api/v1/namespaces/\(ClusterMesh.system)/secrets"

    @Test("in three steps, and no request fails", .timeLimit(.minutes(5)), arguments: Place.allCases)
    func steps(place: Place) async throws {
        let cluster = try await ClusterMesh(late: ["cart"])
        let (old, new) = (try TestAuthority(name: "old"), try TestAuthority(name: "new"))
        let both = old.rootPEM + new.rootPEM
        try await put(old, roots: old.rootPEM, place, cluster)
        try await cluster.run {
            let mesh = cluster.mesh
            try await cluster.addService()
            let more = place == .files ? ["--ca-directory", Self.folder(cluster)] : []
            try await cluster.startReplicas(2, ["--certificate-lifetime", "\(Int(Self.lifetimeSeconds))s"] + more)
            cluster.rootsPath = "\(cluster.server.directory.path)/mounted.pem"
            try await untilMounted(cluster, old.rootPEM)
            try await cluster.startNodes([[0, 1], [1, 0]])
            try await cluster.capture(["web", "api"])
            let server = try await mesh.serveLoad(in: "api", port: 7080)
            let load = try mesh.load(
                from: "web", to: ClusterMesh.serviceAddress, port: 80, perSecond: 200, seconds: Self.connectionSeconds)
            try await load.expectAnswers(200)

            try await put(old, roots: both, place, cluster)
            try await untilMounted(cluster, both)
            try await untilHeld(cluster, roots: 2, signer: "old")
            try await put(new, roots: both, place, cluster)
            try await untilHeld(cluster, roots: 2, signer: "new")
            // Until the last of the old certificates is over, and with it what was made by it.
            try await load.goOn(seconds: Self.lifetimeSeconds + Double(Self.connectionSeconds) + 1)
            try await put(new, roots: new.rootPEM, place, cluster)
            try await untilMounted(cluster, new.rootPEM)
            try await untilHeld(cluster, roots: 1, signer: "new")

            try await cluster.addPod("cart")
            try await cluster.capture(["cart"])
            #expect(try await mesh.web("cart", "get", ClusterMesh.serviceAddress, "80", "/x").output.contains("200 OK"))
            try await load.expectAnswers(400)
            let counts = await load.finish()
            #expect(counts.failed == 0, "\(counts)")
            await server.stop()
        }
    }

    /// A step left out is refused, and everything stays as it was.
    @Test("a step that would break trust is not taken", .timeLimit(.minutes(5)))
    func leftOut() async throws {
        let cluster = try await ClusterMesh()
        let (old, new) = (try TestAuthority(name: "old"), try TestAuthority(name: "new"))
        try await put(old, roots: old.rootPEM, .secret, cluster)
        try await cluster.run {
            try await cluster.startReplicas(1)
            try await put(new, roots: new.rootPEM, .secret, cluster)
            try await Wait.eventually("the refusal", seconds: 30, everyMilliseconds: 200) {
                cluster.replicas[0].log.contains("first add its root to the old one, with the old key")
            }
            #expect(Self.certificates(try cluster.replicas[0].roots()) == Self.certificates(old.rootPEM))
        }
    }

    // MARK: - The authority

    private static func folder(_ cluster: ClusterMesh) -> String { "\(cluster.server.directory.path)/authority" }

    private func put(_ authority: TestAuthority, roots: String, _ place: Place, _ cluster: ClusterMesh) async throws {
        let key = try String(contentsOf: authority.folder.appending(path: "root.key"), encoding: .utf8)
        switch place {
        case .secret:
            let data = ["ca-cert.pem": authority.rootPEM, "ca-key.pem": key, "root-cert.pem": roots]
            let body = String(
                decoding: try JSONEncoder().encode(["stringData": data]), as: UTF8.self)
            let isThere = try await cluster.server.call("GET", "\(Self.secrets)/cacerts").status == 200
            if isThere {
                try await cluster.server.must(
                    "PATCH", "\(Self.secrets)/cacerts", body, type: "application/merge-patch+json")
            } else {
                try await cluster.server.must(
                    "POST", Self.secrets, #"{"metadata":{"name":"cacerts"},\#(body.dropFirst())"#)
            }
        case .files:
            try mount(["tls.crt": authority.rootPEM, "tls.key": key, "ca.crt": roots], at: Self.folder(cluster))
        }
    }

    /// As a kubelet does it: files are links into a directory that another takes the place of at once.
    private func mount(_ files: [String: String], at folder: String) throws {
        let version = "..\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(version)", withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(folder)/\(version)/\(name)", atomically: false, encoding: .utf8)
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")) == nil {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/\(name)", withDestinationPath: "..data/\(name)")
            }
        }
        try Shell.run(["ln", "-sfn", version, "\(folder)/..data_new"])
        try Shell.run(["mv", "-T", "\(folder)/..data_new", "\(folder)/..data"])
    }

    // MARK: - What follows

    /// Waits until pods find these roots, and mounts them for the ztunnels.
    private func untilMounted(_ cluster: ClusterMesh, _ roots: String) async throws {
        let path = "/api/v1/namespaces/shop/configmaps/istio-ca-root-cert"
        var text = ""
        try await Wait.eventually("the roots in every namespace", seconds: 40, everyMilliseconds: 200) {
            text = try ObjectTree(json: try await cluster.server.call("GET", path).text)["data", "root-cert.pem"]?.text
                ?? ""
            return Self.certificates(text) == Self.certificates(roots)
        }
        try text.write(toFile: cluster.rootsPath, atomically: true, encoding: .utf8)
    }

    /// PEM is wrapped in more than one way.
    private static func certificates(_ pem: String) -> [String] {
        pem.components(separatedBy: "-----BEGIN CERTIFICATE-----").dropFirst().map { $0.filter { !$0.isWhitespace } }
    }

    /// Waits until every certificate that nodes hold comes with so many roots and is signed by this one.
    private func untilHeld(_ cluster: ClusterMesh, roots: Int, signer: String) async throws {
        for node in cluster.mesh.nodes {
            try await Wait.eventually("\(roots) roots, \(signer) signs", seconds: 60, everyMilliseconds: 300) {
                let dump = try await offload { try node.run("curl", "-sS", "http://127.0.0.1:15000/config_dump") }
                let held = try ObjectTree(json: dump)["certificates"]?.items ?? []
                return try !held.isEmpty
                    && held.allSatisfy { certificate in
                        guard certificate["rootCerts"]?.items.count == roots,
                            let pem = certificate["certChain"]?.items.first?["pem"]?.text
                        else { return false }
                        return try Self.issuer(pem).contains(signer)
                    }
            }
        }
    }

    private static func issuer(_ pem: String) throws -> String {
        let path = "/tmp/apust-issuer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try (Data(base64Encoded: pem) ?? Data()).write(to: URL(fileURLWithPath: path))
        return try Shell.run(["openssl", "x509", "-noout", "-issuer", "-in", path])
    }
}
