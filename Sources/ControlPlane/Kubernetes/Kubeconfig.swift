internal import ControlSources
internal import Foundation

/// Files that say how to reach clusters (kubernetes.io, "Organizing Cluster Access Using kubeconfig Files"). Of several
/// files the first that names a thing counts.
struct Kubeconfig {
    /// A part of a file, with the folder that its relative paths are meant from.
    private struct Part {
        let tree: DataTree
        let file: String

        func path(_ text: String) -> String {
            text.hasPrefix("/")
                ? text : URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(text).path
        }
    }

    private var currentContext: String?
    private var clusters: [String: Part] = [:]
    private var users: [String: Part] = [:]
    private var contexts: [String: Part] = [:]
    private let origin: String

    /// Files that are not there are passed over, as kubectl does, unless none is there.
    init(paths: [String]) throws(ClusterConfigurationError) {
        origin = paths.joined(separator: ":")
        let present = paths.filter { paths.count == 1 || FileManager.default.fileExists(atPath: $0) }
        guard !present.isEmpty else { throw .missing("none of the files \(origin) is there") }
        for path in present {
            let bytes = try ClusterConfiguration.read(path)
            let tree: DataTree
            do {
                tree = try DataTree.yaml(String(decoding: bytes, as: UTF8.self))
            } catch {
                throw .malformed(path: path, reason: error.description)
            }
            guard tree.isMap else { throw .malformed(path: path, reason: "expected a kubeconfig, found no mapping") }
            if currentContext == nil, let text = tree["current-context"]?.text, !text.isEmpty { currentContext = text }
            Self.collect(tree, path, list: "clusters", entry: "cluster", into: &clusters)
            Self.collect(tree, path, list: "users", entry: "user", into: &users)
            Self.collect(tree, path, list: "contexts", entry: "context", into: &contexts)
        }
    }

    private static func collect(
        _ tree: DataTree, _ path: String, list: String, entry: String, into parts: inout [String: Part]
    ) {
        for item in tree[list]?.items ?? [] {
            guard let name = item["name"]?.text, parts[name] == nil, let value = item[entry] else { continue }
            parts[name] = Part(tree: value, file: path)
        }
    }

    /// What the context says; without a name, the current one.
    func configuration(context name: String?) throws(ClusterConfigurationError) -> ClusterConfiguration {
        guard let name = name ?? currentContext else {
            throw .missing("\(origin) has no current-context: name one with --context")
        }
        guard let context = contexts[name] else {
            let known = contexts.keys.sorted().joined(separator: ", ")
            throw .missing("\(origin) has no context '\(name)', only: \(known)")
        }
        let clusterName = context.tree["cluster"]?.text ?? ""
        guard let cluster = clusters[clusterName] else {
            throw .missing("\(origin): context '\(name)' names the cluster '\(clusterName)', which is not there")
        }
        let userName = context.tree["user"]?.text ?? ""
        let user = users[userName]
        if user == nil, !userName.isEmpty {
            throw .missing("\(origin): context '\(name)' names the user '\(userName)', which is not there")
        }
        for key in ["insecure-skip-tls-verify", "proxy-url", "tls-server-name"] {
            guard let text = cluster.tree[key]?.text, text != "false", !text.isEmpty else { continue }
            throw .refused("\(origin): cluster '\(clusterName)' has \(key), which is not supported")
        }
        guard let server = cluster.tree["server"]?.text else {
            throw .missing("\(origin): cluster '\(clusterName)' has no server")
        }
        return try ClusterConfiguration(
            server: server, rootsPEM: bytes(cluster, "certificate-authority"), client: try identity(user),
            credentials: try credentials(user, userName), origin: origin)
    }

    private func identity(_ user: Part?) throws(ClusterConfigurationError) -> ClusterConfiguration.ClientIdentity? {
        guard let user else { return nil }
        let (certificate, key) = (try bytes(user, "client-certificate"), try bytes(user, "client-key"))
        if certificate == nil, key == nil { return nil }
        guard let certificate, let key else {
            throw .missing("\(origin): client-certificate and client-key go together, found one")
        }
        return ClusterConfiguration.ClientIdentity(certificatePEM: certificate, keyPEM: key)
    }

    private func credentials(
        _ user: Part?, _ name: String
    ) throws(ClusterConfigurationError) -> ClusterConfiguration.Credentials {
        guard let user else { return .none }
        for key in ["exec", "auth-provider", "username", "password", "as", "as-groups", "as-uid", "as-user-extra"]
        where user.tree[key] != nil {
            throw .refused(
                "\(origin): user '\(name)' has \(key), which is not supported: expected token, tokenFile or a client "
                    + "certificate")
        }
        // The file goes first, as in kubectl.
        if let file = user.tree["tokenFile"]?.text, !file.isEmpty { return .file(user.path(file)) }
        if let token = user.tree["token"]?.text, !token.isEmpty { return .token(token) }
        return .none
    }

    /// `KEY-data`, which goes first, or the file that `KEY` names.
    private func bytes(_ part: Part, _ key: String) throws(ClusterConfigurationError) -> [UInt8]? {
        if let text = part.tree["\(key)-data"]?.text, !text.isEmpty {
            guard let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
                throw .malformed(path: part.file, reason: "\(key)-data is no base64")
            }
            return Array(data)
        }
        guard let path = part.tree[key]?.text, !path.isEmpty else { return nil }
        return try ClusterConfiguration.read(part.path(path))
    }
}
