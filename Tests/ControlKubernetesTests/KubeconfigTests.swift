import Foundation
import MeshTesting
import Testing

@testable import ControlKubernetes

@Suite("Kubeconfig")
struct KubeconfigTests {
    private static func text(cluster: String = "server: http://127.0.0.1:1", user: String = "token: abc") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: home
        clusters: [ { name: c, cluster: { \(cluster) } } ]
        users: [ { name: u, user: { \(user) } } ]
        contexts:
        - { name: home, context: { cluster: c, user: u } }
        - { name: bare, context: { cluster: c } }
        - { name: lost, context: { cluster: nowhere, user: u } }
        - { name: nobody, context: { cluster: c, user: somebody } }
        """
    }

    private func load(_ text: String, context: String? = nil) throws -> ClusterConfiguration {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/config"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try "file token".write(toFile: "\(folder.path)/token", atomically: true, encoding: .utf8)
        return try ClusterConfiguration.find(kubeconfig: path, context: context, environment: [:])
    }

    @Test("the current context, or the one that is named")
    func contexts() throws {
        #expect(try load(Self.text()).credentials == .token("abc"))
        #expect(try load(Self.text(), context: "bare").credentials == .none)
        #expect(try load(Self.text(cluster: "server: http://localhost:1/x/")).server == "http://localhost:1/x")
    }

    @Test("a token file lies beside the kubeconfig, and goes before a token")
    func tokenFile() throws {
        let credentials = try load(Self.text(user: "token: abc, tokenFile: token")).credentials
        guard case .file(let path) = credentials else {
            Issue.record("expected a file, found \(credentials)")
            return
        }
        #expect(path.hasPrefix("/tmp/") && path.hasSuffix("/token"))
    }

    @Test(
        "what is not supported is refused by name",
        arguments: [
            ("server: http://127.0.0.1:1", "exec: { command: x }", "exec"),
            ("server: http://127.0.0.1:1", "auth-provider: { name: x }", "auth-provider"),
            ("server: http://127.0.0.1:1", "username: a, password: b", "username"),
            ("server: http://127.0.0.1:1", "as: root", "as"),
            ("server: http://127.0.0.1:1", "client-certificate-data: QQ==", "client-key"),
            ("server: http://127.0.0.1:1, insecure-skip-tls-verify: true", "token: a", "insecure-skip-tls-verify"),
            ("server: http://127.0.0.1:1, proxy-url: http://x", "token: a", "proxy-url"),
            ("server: http://10.0.0.1:80", "token: a", "not encrypted"),
            ("server: ftp://10.0.0.1", "token: a", "https://HOST:PORT"), ("x: y", "token: a", "no server"),
            ("server: http://127.0.0.1:1, certificate-authority-data: '!'", "token: a", "base64"),
            ("server: http://127.0.0.1:1, certificate-authority-data: QQ==", "token: a", "PEM"),
            ("server: http://127.0.0.1:1, certificate-authority: nowhere.pem", "token: a", "nowhere.pem"),
        ])
    func refused(cluster: String, user: String, word: String) {
        #expect {
            try load(Self.text(cluster: cluster, user: user))
        } throws: { "\($0)".contains(word) }
    }

    @Test(
        "what is not there is named",
        arguments: [("else", "only: bare, home"), ("lost", "nowhere"), ("nobody", "somebody")])
    func missing(context: String, word: String) {
        #expect {
            try load(Self.text(), context: context)
        } throws: { "\($0)".contains(word) }
    }

    @Test("texts that are no kubeconfig", arguments: ["", "[]", "a: [", "current-context: x\n"])
    func malformed(_ text: String) {
        #expect(throws: ClusterConfigurationError.self) { try load(text) }
    }

    @Test("of several files the first that names a thing counts, and files that are not there are passed over")
    func several() throws {
        let folder = try TemporaryDirectory()
        let first = "users: [ { name: u, user: { token: first } } ]\n"
        try first.write(toFile: "\(folder.path)/a", atomically: true, encoding: .utf8)
        try Self.text().write(toFile: "\(folder.path)/b", atomically: true, encoding: .utf8)
        let paths = ["none", "a", "b"].map { "\(folder.path)/\($0)" }.joined(separator: ":")
        let found = try ClusterConfiguration.find(kubeconfig: nil, context: nil, environment: ["KUBECONFIG": paths])
        #expect(found.credentials == .token("first"))
    }

    @Test("a pod finds its cluster, and its token in a file")
    func inCluster() throws {
        let folder = try TemporaryDirectory()
        let authority = try TestAuthority()
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        #expect(throws: ClusterConfigurationError.self) {
            try ClusterConfiguration.inCluster(environment, folder: folder.path)
        }
        try "t".write(toFile: "\(folder.path)/token", atomically: true, encoding: .utf8)
        try authority.rootPEM.write(toFile: "\(folder.path)/ca.crt", atomically: true, encoding: .utf8)
        let found = try ClusterConfiguration.inCluster(environment, folder: folder.path)
        #expect(found.server == "https://[fd00::1]:443")
        #expect(found.credentials == .file("\(folder.path)/token"))
        #expect(throws: ClusterConfigurationError.self) { try ClusterConfiguration.inCluster([:], folder: folder.path) }
    }
}
