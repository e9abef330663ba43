internal import AsyncHTTPClient
internal import Foundation
internal import NIOSSL

/// Why the API server cannot even be asked, in words for whoever wrote the configuration.
package enum ClusterConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case malformed(path: String, reason: String)
    /// Something is not there, and where it was looked for.
    case missing(String)
    /// It is there and we do not do it.
    case refused(String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .malformed(let path, let reason): "\(path): \(reason)"
        case .missing(let what): what
        case .refused(let what): what
        }
    }
}

/// How to reach an API server and who we are there.
package struct ClusterConfiguration: Hashable, Sendable {
    enum Credentials: Hashable, Sendable {
        case none
        case token(String)
        /// Read for each request: kubelets replace such files while we run.
        case file(String)
    }

    struct ClientIdentity: Hashable, Sendable {
        let certificatePEM: [UInt8]
        let keyPEM: [UInt8]
    }

    /// Scheme, host, port and perhaps a path; without a slash at the end.
    package let server: String
    /// Roots that the server must be of; `nil`: those of the system.
    let rootsPEM: [UInt8]?
    let client: ClientIdentity?
    let credentials: Credentials
    /// Where it was read, for people.
    package let origin: String

    init(
        server: String, rootsPEM: [UInt8]?, client: ClientIdentity?, credentials: Credentials, origin: String
    ) throws(ClusterConfigurationError) {
        guard let url = URL(string: server), let host = url.host, !host.isEmpty,
            url.scheme == "https" || url.scheme == "http", url.query == nil, url.fragment == nil, url.user == nil
        else {
            throw .malformed(path: origin, reason: "expected https://HOST:PORT as server, found '\(server)'")
        }
        let isLocal = ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host)
        if url.scheme == "http", !isLocal {
            throw .refused("\(origin): \(server) is not encrypted; expected https, or a proxy on this host")
        }
        self.server = String(server.reversed().drop { $0 == "/" }.reversed())
        self.rootsPEM = rootsPEM
        self.client = client
        self.credentials = credentials
        self.origin = origin
        _ = try tls()
    }

    /// Settings for connections. The server is verified always.
    func tls() throws(ClusterConfigurationError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let rootsPEM { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(rootsPEM)) }
        } catch {
            throw .malformed(path: origin, reason: "the certificate authority is no PEM: \(error)")
        }
        do {
            if let client {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(client.certificatePEM).map {
                    .certificate($0)
                }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: client.keyPEM, format: .pem))
            }
        } catch {
            throw .malformed(path: origin, reason: "the client certificate or its key is no PEM: \(error)")
        }
        return tls
    }

    static func read(_ path: String) throws(ClusterConfigurationError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            let reason = (error as? CocoaError).map { "\($0.localizedDescription)" } ?? "\(error)"
            throw .unreadable(path: path, reason: reason)
        }
    }
}

extension ClusterConfiguration {
    private static let accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// What every pod finds of its own cluster (kubernetes.io, "Accessing the Kubernetes API from a Pod").
    package static func inCluster(
        _ environment: [String: String], folder: String? = nil
    ) throws(ClusterConfigurationError) -> ClusterConfiguration {
        let folder = folder ?? accountFolder
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"],
            !host.isEmpty, !port.isEmpty
        else {
            throw .missing("expected KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as every pod has them")
        }
        // Read once, so that a pod without a service account says so at start.
        _ = try read("\(folder)/token")
        return try ClusterConfiguration(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)", rootsPEM: read("\(folder)/ca.crt"),
            client: nil, credentials: .file("\(folder)/token"), origin: folder)
    }

    /// The first of: the file given, the files that KUBECONFIG names, the cluster that we are a pod of, and
    /// ~/.kube/config.
    package static func find(
        kubeconfig: String?, context: String?, environment: [String: String]
    ) throws(ClusterConfigurationError) -> ClusterConfiguration {
        if let kubeconfig { return try Kubeconfig(paths: [kubeconfig]).configuration(context: context) }
        let named = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
        if !named.isEmpty { return try Kubeconfig(paths: named).configuration(context: context) }
        if environment["KUBERNETES_SERVICE_HOST"] != nil, context == nil { return try inCluster(environment) }
        if let home = environment["HOME"], FileManager.default.fileExists(atPath: "\(home)/.kube/config") {
            return try Kubeconfig(paths: ["\(home)/.kube/config"]).configuration(context: context)
        }
        throw .missing("expected --kubeconfig, KUBECONFIG, ~/.kube/config or the environment of a pod, found none")
    }
}
