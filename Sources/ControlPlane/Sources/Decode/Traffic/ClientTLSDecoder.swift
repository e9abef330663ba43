import ControlTranslate
import MeshModel

/// A DestinationRule's `tls` (Istio's ClientTLSSettings). What cannot be done as written lets nothing through: plain
/// text, or a server that was not looked at, is never sent instead.
enum ClientTLSDecoder {
    static func decode(_ reader: inout MapReader, into policy: inout TrafficPolicy) {
        let mode = reader.text("mode") ?? "DISABLE"
        guard reader.problems.isEmpty else {
            policy.refusal = "tls: it cannot be told what is asked for"
            return
        }
        switch mode {
        // The mesh's own encryption is not this rule's to say.
        case "ISTIO_MUTUAL": return
        case "DISABLE": return reader.skip(Set(reader.all.map(\.key)))
        case "SIMPLE", "MUTUAL":
            var tls = origin(&reader)
            // A name or an authority that cannot be read would be one less to check.
            let unread = reader.problems.first.map { "\($0.field) \($0.reason)" }
            let refused = refusal(&reader) ?? client(&reader, &tls, isMutual: mode == "MUTUAL")
            policy.refusal = unread ?? refused
            do throws(TrafficValueError) {
                try tls.check()
                policy.tls = tls
            } catch {
                policy.refusal = "\(error.field): \(error.reason)"
            }
        default:
            reader.skip(Set(reader.all.map(\.key)))
            policy.refusal = "tls.mode: expected DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL, found \"\(mode.prefix(16))\""
        }
    }

    private static func origin(_ reader: inout MapReader) -> OriginTLS {
        var tls = OriginTLS()
        tls.serverName = reader.text("sni").flatMap { $0.isEmpty ? nil : $0 }
        tls.names = (reader.texts("subjectAltNames") ?? []).map(\.text)
        if let path = reader.text("caCertificates"), !path.isEmpty, path != "system" { tls.roots = .file(path) }
        tls.isUnverified = reader.flag("insecureSkipVerify") ?? false
        return tls
    }

    private static func refusal(_ reader: inout MapReader) -> String? {
        if reader.has("caCrl") { return "tls.caCrl is not supported yet" }
        guard reader.has("credentialName") else { return nil }
        reader.skip(["clientCertificate", "privateKey"])
        return "tls.credentialName is not supported yet: name files of the waypoint instead"
    }

    /// - Returns: why nothing may be sent.
    private static func client(_ reader: inout MapReader, _ tls: inout OriginTLS, isMutual: Bool) -> String? {
        guard isMutual else {
            reader.refuse(["clientCertificate", "privateKey"], "is for mode MUTUAL")
            return nil
        }
        guard let certificate = reader.text("clientCertificate"), let key = reader.text("privateKey") else {
            return "tls.mode MUTUAL needs clientCertificate and privateKey"
        }
        tls.client = OriginTLS.ClientFiles(certificate: certificate, privateKey: key)
        return nil
    }
}
