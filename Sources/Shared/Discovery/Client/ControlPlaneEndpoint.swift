import MeshModel

/// Where the control plane is and how to trust it and be trusted. A plain value.
package struct ControlPlaneEndpoint: Hashable, Sendable {
    package enum Roots: Hashable, Sendable {
        /// PEM; read again for every dial.
        case file(String)
        case pem(String)
        /// What the operating system trusts.
        case system
    }

    package enum Token: Hashable, Sendable {
        /// Read again for every stream and call.
        case file(String)
        case literal(String)
        case none
    }

    package enum Security: Hashable, Sendable {
        case tls(Roots)
        /// `http://`: for tests and for a control plane on loopback.
        case plaintext
    }

    /// A name or an IP address.
    package var host: String
    package var port: UInt16
    package var security: Security
    /// One more name that the server's certificate may carry.
    package var alternativeServerName: String?
    package var token: Token
    package var clusterID: String
    /// Further metadata of every call.
    package var headers: [Header] = []

    package struct Header: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(
        host: String, port: UInt16, security: Security, alternativeServerName: String? = nil, token: Token = .none,
        clusterID: String = "Kubernetes"
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.alternativeServerName = alternativeServerName
        self.token = token
        self.clusterID = clusterID
    }

    /// From a URL: `https://HOST:PORT`, `http://HOST:PORT` (plain text), or without a scheme (https). `nil`: not of
    /// that form. Without a port: 15012.
    package init?(url: String, roots: Roots, token: Token = .none, clusterID: String = "Kubernetes") {
        let isPlaintext = url.hasPrefix("http://")
        var rest = url[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let isBracketed = rest.hasPrefix("[") && rest.hasSuffix("]")
        let text = isBracketed || !rest.contains(":") ? "\(rest):\(Self.defaultPort)" : String(rest)
        guard let parts = HostPort(text), !parts.host.contains("/") else { return nil }
        self.init(
            host: parts.host, port: parts.port, security: isPlaintext ? .plaintext : .tls(roots), token: token,
            clusterID: clusterID)
    }

    package static let defaultPort: UInt16 = 15012
}
