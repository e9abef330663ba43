import MeshModel
import MeshWire
import SwiftProtobuf

/// TLS to endpoints as it goes over the wire.
extension WireCodec {
    static func message(_ tls: OriginTLS) -> Apus_Waypoint_V1_TrafficTLS {
        .with {
            if let serverName = tls.serverName { $0.serverName = serverName }
            $0.names = tls.names
            switch tls.roots {
            case .system: $0.systemRoots = true
            case .file(let path): $0.rootsPath = path
            case .text(let text): $0.rootsText = text
            }
            $0.certificatePath = tls.client?.certificate ?? ""
            $0.privateKeyPath = tls.client?.privateKey ?? ""
            $0.unverified = tls.isUnverified
        }
    }

    static func tls(_ message: Apus_Waypoint_V1_TrafficTLS) throws(WireRejection) -> OriginTLS {
        try known(message)
        var tls = OriginTLS()
        tls.serverName = message.hasServerName ? message.serverName : nil
        tls.names = message.names
        switch message.roots {
        case .systemRoots: tls.roots = .system
        case .rootsPath(let path): tls.roots = .file(path)
        case .rootsText(let text): tls.roots = .text(text)
        case nil: throw .missing(field: "tls.roots")
        }
        guard message.certificatePath.isEmpty == message.privateKeyPath.isEmpty else {
            throw .missing(field: message.certificatePath.isEmpty ? "tls.certificate_path" : "tls.private_key_path")
        }
        if !message.certificatePath.isEmpty {
            tls.client = OriginTLS.ClientFiles(
                certificate: message.certificatePath, privateKey: message.privateKeyPath)
        }
        tls.isUnverified = message.unverified
        return tls
    }
}
