/// Where an OTLP collector listens and how it is spoken to.
package struct CollectorEndpoint: Hashable, Sendable {
    package enum Form: String, Hashable, Sendable, CaseIterable {
        case grpc
        case http = "http/protobuf"
    }

    package let form: Form
    package let host: String
    package let port: UInt16
    /// Only gRPC: server certificates are checked against the roots of the system.
    package let isTLS: Bool
    /// With the path for traces; not used by gRPC.
    package let path: String
    /// Sent with each request; names in lower case.
    package var headers: [(name: String, value: String)] { zip(headerNames, headerValues).map { ($0, $1) } }
    private let headerNames: [String]
    private let headerValues: [String]
    /// Waiting for the answer to one batch.
    package var timeout: Duration = .seconds(10)

    /// `http://HOST:PORT[/PATH]`, or `https` for gRPC. Default ports are OTLP's, 4317 and 4318.
    /// - Parameter headers: `NAME=VALUE` with commas between them, as OTEL_EXPORTER_OTLP_HEADERS has them.
    package init?(_ text: String, form: Form, headers: String = "") {
        let isTLS = text.hasPrefix("https://")
        guard isTLS || text.hasPrefix("http://"), !isTLS || form == .grpc else { return nil }
        let rest = text.dropFirst(isTLS ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        let standard: UInt16 = form == .grpc ? 4317 : 4318
        guard let (host, port) = Self.split(authority, standard: standard) else { return nil }
        self.form = form
        self.host = host
        self.port = port
        self.isTLS = isTLS
        let base = path.hasSuffix("/") ? path.dropLast() : path
        self.path = base.hasSuffix("/v1/traces") ? String(base) : "\(base)/v1/traces"
        var (names, values): ([String], [String]) = ([], [])
        for pair in headers.split(separator: ",") {
            guard let equals = pair.firstIndex(of: "=") else { return nil }
            let name = Self.trimmed(pair[..<equals]).lowercased()
            let value = Self.trimmed(pair[pair.index(after: equals)...])
            guard !name.isEmpty, (name + value).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
            names.append(name)
            values.append(value)
        }
        (headerNames, headerValues) = (names, values)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func split(_ authority: Substring, standard: UInt16) -> (String, UInt16)? {
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        var host = authority
        var port = standard
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), port)
    }
}
