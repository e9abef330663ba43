package import MeshModel

/// Where an agent of SPIFFE's Workload API listens, as `SPIFFE_ENDPOINT_SOCKET` has it (SPIFFE Workload Endpoint,
/// section 4).
package enum WorkloadAPIEndpoint: Hashable, Sendable {
    /// An absolute path.
    case unix(path: String)
    case tcp(TransportAddress)

    /// The name of the setting, and what to say it must be.
    package static let setting = "SPIFFE_ENDPOINT_SOCKET"
    package static let form = "unix:///ABSOLUTE/PATH or tcp://IP:PORT"

    /// `unix:///path` or `unix:/path`, or `tcp://IP:PORT`; nothing else may be in it. `nil`: not of that form.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let rest = text.dropFirst(5)
            let path = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
            guard path.hasPrefix("/"), !path.hasPrefix("//"), path.count > 1, !path.contains(where: Self.isNoPath),
                path.utf8.count <= Self.pathBytesMax
            else { return nil }
            self = .unix(path: String(path))
        } else if text.hasPrefix("tcp://"), let address = TransportAddress(String(text.dropFirst(6))),
            address.port > 0
        {
            self = .tcp(address)
        } else {
            return nil
        }
    }

    /// sun_path of unix(7), without the zero behind it.
    private static let pathBytesMax = 107

    private static func isNoPath(_ character: Character) -> Bool {
        character == "?" || character == "#" || character == "%" || character.isWhitespace
    }
}

extension WorkloadAPIEndpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let address): "tcp://\(address)"
        }
    }
}
