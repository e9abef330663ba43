package import MeshModel

/// The `forwarded` header of a CONNECT: who the client is and which service it asked for. Telemetry only.
package enum ForwardedHeader {
    /// `for="1.2.3.4:80"`, and `;host=HOSTNAME` when the destination was found through a service.
    package static func value(client: TransportAddress, serviceHostname: String?) -> String {
        let base = "for=\"\(client)\""
        guard let serviceHostname else { return base }
        return "\(base);host=\(serviceHostname)"
    }

    /// The `host=` part, quotes removed.
    package static func serviceHostname(in header: String) -> String? {
        for part in header.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].lowercased() == "host" else { continue }
            let value = pair[1].hasPrefix("\"") ? pair[1].dropFirst().prefix { $0 != "\"" } : pair[1]
            return value.isEmpty ? nil : String(value)
        }
        return nil
    }
}
