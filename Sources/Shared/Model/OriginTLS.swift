/// TLS from a waypoint to endpoints, of a service that asks for it: what stands in a DestinationRule's `tls` with mode
/// SIMPLE or MUTUAL. It has nothing to do with the mesh's own: servers are verified by names and public authorities.
package struct OriginTLS: Hashable, Sendable {
    /// Which authorities a server's certificate must come from.
    package enum Roots: Hashable, Sendable {
        /// Those of the waypoint's operating system.
        case system
        /// A PEM file where the waypoint runs.
        case file(String)
        /// PEM.
        case text(String)
    }

    /// PEM files where the waypoint runs, shown to servers that ask for a certificate.
    package struct ClientFiles: Hashable, Sendable {
        /// The chain, our own certificate first.
        package var certificate: String
        package var privateKey: String

        package init(certificate: String, privateKey: String) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    /// What the server is called in the handshake (RFC 6066 section 3); `nil`: the service's hostname.
    package var serverName: String?
    /// The certificate must have one of these: DNS names, addresses or URIs. None: the name that the server is called.
    package var names: [String] = []
    package var roots: Roots = .system
    /// `nil`: we show none.
    package var client: ClientFiles?
    /// Any certificate will do. Whoever is in between can read and change everything.
    package var isUnverified = false

    package init() {}

    /// What is to be done for endpoints of a service: it is called by its own name, and has the names it says it has,
    /// unless others are asked for (Istio's documentation of ServiceEntry, subjectAltNames).
    package func resolved(for service: Service) -> OriginTLS {
        var resolved = self
        if names.isEmpty { resolved.names = service.subjectAltNames }
        if serverName == nil { resolved.serverName = service.hostname }
        return resolved
    }

    /// Any of these makes a server the right one.
    package var acceptedNames: [String] { names.isEmpty ? [serverName].compactMap(\.self) : names }
}

extension OriginTLS {
    /// Bytes of any name or path.
    private static let textBytesMax = 1_024
    private static let namesMax = 64
    /// A few hundred certificates: what operating systems come with is no more.
    private static let rootsBytesMax = 1 << 20

    /// Holds the values to what their fields allow.
    package func check() throws(TrafficValueError) {
        guard names.count <= Self.namesMax else {
            throw .count(field: "tls.subjectAltNames", most: Self.namesMax)
        }
        if let serverName, !serverName.isHostName {
            throw .range(field: "tls.sni", expected: "a DNS name")
        }
        guard names.allSatisfy({ Self.isPlain($0) && !$0.hasPrefix(".") }) else {
            throw .range(field: "tls.subjectAltNames", expected: "names without spaces, and not with a dot in front")
        }
        switch roots {
        case .system: break
        case .file(let path): try Self.check(path, "tls.caCertificates")
        case .text(let text):
            guard text.utf8.count <= Self.rootsBytesMax else {
                throw .range(field: "tls.caCertificates", expected: "at most \(Self.rootsBytesMax) bytes")
            }
        }
        guard let client else { return }
        try Self.check(client.certificate, "tls.clientCertificate")
        try Self.check(client.privateKey, "tls.privateKey")
    }

    private static func check(_ path: String, _ field: String) throws(TrafficValueError) {
        guard path.hasPrefix("/"), path.utf8.count <= textBytesMax, !path.utf8.contains(0) else {
            throw .range(field: field, expected: "the full path of a file")
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        (1...textBytesMax).contains(name.utf8.count) && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

extension String {
    /// Labels of letters, digits, hyphens and underscores, and dots between them: what may stand in a handshake.
    fileprivate var isHostName: Bool {
        guard (1...253).contains(utf8.count) else { return false }
        return split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                        || byte == 0x2d || byte == 0x5f
                }
        }
    }
}
