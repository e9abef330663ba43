import Foundation
import MeshTesting
import Synchronization

/// A real API server with its etcd, in a network namespace of its own. Both end with this value.
final class APIServer: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    static let token = "admin-token"

    let namespace: TestNamespace
    let directory: TemporaryDirectory
    private let programs: String
    private let etcd: MeshProcess
    private let server = Mutex<MeshProcess?>(nil)
    /// Whether each request is written down (kubernetes.io, "Auditing").
    private let isAuditing: Bool
    /// Whether accounts and their tokens are as in a cluster: each pod has one, and gets its token.
    private let hasAccounts: Bool

    /// Its own in the network of a cluster, and that of its service.
    static let address = "10.81.0.2"
    private static let serviceAddress = "10.96.0.1"

    /// Where tools/setup-kubernetes has put the programs; `nil` when it was not run.
    static var programs: String? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        guard let (status, output) = try? Shell.runAnyStatus(["\(root)/tools/setup-kubernetes", "--where"]), status == 0
        else { return nil }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    init(auditing: Bool = false, accounts: Bool = false) async throws {
        isAuditing = auditing
        hasAccounts = accounts
        guard let programs = Self.programs else {
            throw Missing(description: "expected an API server, found none; run tools/setup-kubernetes")
        }
        self.programs = programs
        namespace = try TestNamespace()
        directory = try TemporaryDirectory()
        etcd = try MeshProcess(
            "etcd", in: namespace, output: "\(directory.path)/etcd.log",
            [
                "\(programs)/etcd", "--data-dir=\(directory.path)/etcd", "--unsafe-no-fsync",
                "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
                "--listen-peer-urls=http://127.0.0.1:2380",
            ])
        try makeCertificates()
        try "\(Self.token),admin,admin,system:masters\n".write(
            toFile: "\(directory.path)/tokens", atomically: true, encoding: .utf8)
        try Self.auditPolicy.write(toFile: "\(directory.path)/audit.yaml", atomically: true, encoding: .utf8)
        try await start()
    }

    private static let auditPolicy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [ RequestReceived ]
        rules: [ { level: Metadata } ]

        """

    private var auditArguments: [String] {
        guard isAuditing else { return [] }
        return ["--audit-policy-file=\(directory.path)/audit.yaml", "--audit-log-path=\(directory.path)/audit.log"]
    }

    /// Its own authority, a certificate to serve with, one for an administrator, and the key of service accounts.
    private func makeCertificates() throws {
        let folder = directory.path
        func openssl(_ arguments: String...) throws { try Shell.run(["openssl"] + arguments) }
        func key(_ name: String) throws {
            try openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(folder)/\(name).key")
        }
        for name in ["ca", "server", "admin"] { try key(name) }
        try openssl(
            "req", "-x509", "-new", "-key", "\(folder)/ca.key", "-days", "2", "-subj", "/CN=test-ca", "-out",
            "\(folder)/ca.pem")
        for (name, subject) in [("server", "/CN=apiserver"), ("admin", "/O=system:masters/CN=admin")] {
            let names = ["127.0.0.1", Self.address, Self.serviceAddress].map { "IP:\($0)" }.joined(separator: ",")
            let extensions = "subjectAltName=\(names)\nextendedKeyUsage=serverAuth,clientAuth\n"
            try extensions.write(toFile: "\(folder)/extensions", atomically: true, encoding: .utf8)
            let request = "\(folder)/\(name).csr"
            try openssl("req", "-new", "-key", "\(folder)/\(name).key", "-subj", subject, "-out", request)
            try openssl(
                "x509", "-req", "-in", request, "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "\(folder)/extensions", "-out", "\(folder)/\(name).pem")
        }
        try openssl("genrsa", "-out", "\(folder)/accounts.key", "2048")
    }

    private var accountArguments: [String] {
        // Conditions of services are kept without being asked from 1.24 on.
        let gates = "--feature-gates=MixedProtocolLBService=true"
        guard hasAccounts else {
            // There is no controller that makes the accounts of namespaces.
            return [gates, "--api-audiences=istio-ca", "--disable-admission-plugins=ServiceAccount"]
        }
        // Bound tokens of pods come without being asked from 1.21 on.
        return [gates + ",BoundServiceAccountTokenVolume=true", "--api-audiences=https://kubernetes.default.svc"]
    }

    /// Starts it, and waits until it calls itself ready.
    func start() async throws {
        let folder = directory.path
        let process = try MeshProcess(
            "kube-apiserver", in: namespace, output: "\(folder)/apiserver.log",
            [programs + "/kube-apiserver"] + auditArguments + accountArguments + [
                "--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0",
                "--advertise-address=192.0.2.1", "--secure-port=6443", "--insecure-port=0",
                "--tls-cert-file=\(folder)/server.pem", "--tls-private-key-file=\(folder)/server.key",
                "--client-ca-file=\(folder)/ca.pem", "--token-auth-file=\(folder)/tokens", "--cert-dir=\(folder)/certs",
                "--authorization-mode=Node,RBAC", "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-signing-key-file=\(folder)/accounts.key",
                "--service-account-key-file=\(folder)/accounts.key", "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.96.0.0/16",
            ])
        server.withLock { $0 = process }
        try await Wait.eventually("API server", seconds: 120, everyMilliseconds: 200) {
            guard process.isRunning else {
                throw Missing(description: "the API server ended: \(log("apiserver").suffix(2000))")
            }
            return try await call("GET", "/readyz").text == "ok"
        }
    }

    func stop() async {
        await server.withLock { $0 }?.stop(seconds: 20)
        server.withLock { $0 = nil }
    }

    func log(_ name: String) -> String {
        (try? String(contentsOfFile: "\(directory.path)/\(name).log", encoding: .utf8)) ?? ""
    }

    deinit {
        // The API server first: without its etcd it does not end.
        server.withLock { $0 }?.signal(SIGKILL)
        etcd.signal(SIGKILL)
    }

    // MARK: - Requests

    /// An administrator's curl, without an address.
    var curl: [String] {
        ["curl", "-sS", "--cacert", "\(directory.path)/ca.pem", "-H", "Authorization: Bearer \(Self.token)"]
    }

    /// One request as administrator: status and text of the answer.
    @discardableResult
    func call(
        _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json"
    ) async throws -> (status: Int, text: String) {
        var command = ["ip", "netns", "exec", namespace.name] + curl + [
            "--max-time", "10", "-H", "Content-Type: \(type)", "-X", method, "-w", "\n%{http_code}",
            "https://127.0.0.1:6443\(path)",
        ]
        if let body { command += ["--data-binary", body] }
        let output = try await offload { [command] in try Shell.runAnyStatus(command).output }
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// The same, which must succeed.
    func must(_ method: String, _ path: String, _ body: String? = nil, type: String = "application/json") async throws {
        let (status, text) = try await call(method, path, body, type: type)
        guard (200..<300).contains(status) else {
            throw Missing(description: "\(method) \(path): \(status) \(text.prefix(600))")
        }
    }

    /// A kubeconfig of a service account, by a token that the API server gives.
    func writeKubeconfig(account: String, namespace: String) async throws -> String {
        let answer = try await call(
            "POST", "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)/token",
            """
            {"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest",\
            "spec":{"audiences":["istio-ca"],"expirationSeconds":3600}}
            """)
        guard let token = try ObjectTree(json: answer.text)["status", "token"]?.text else {
            throw Missing(description: "no token for \(namespace)/\(account): \(answer.text.prefix(300))")
        }
        return try writeKubeconfig("kubeconfig-\(account)", user: "token: \(token)")
    }

    /// A kubeconfig with the administrator's certificate, beside which everything else lies.
    func writeKubeconfig() throws -> String {
        try writeKubeconfig("kubeconfig", user: "client-certificate: admin.pem, client-key: admin.key")
    }

    private func writeKubeconfig(_ name: String, user: String) throws -> String {
        let path = "\(directory.path)/\(name)"
        try """
        apiVersion: v1
        kind: Config
        current-context: test
        clusters: [ { name: c, cluster: { server: "https://127.0.0.1:6443", certificate-authority: ca.pem } } ]
        users: [ { name: u, user: { \(user) } } ]
        contexts: [ { name: test, context: { cluster: c, user: u } } ]

        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
