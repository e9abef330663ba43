import ControlTranslate
import MeshModel

enum WorkloadEntryDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> WorkloadEntryResource? {
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        let endpoint = endpoint(&spec, inherited: metadata.labels)
        root.absorb(spec)
        return endpoint.map { WorkloadEntryResource(metadata: metadata, endpoint: $0) }
    }

    /// A WorkloadEntry's spec or an inline endpoint; `nil` when its address or identity cannot be read.
    static func endpoint(_ reader: inout MapReader, inherited: [String: String]) -> ExternalEndpoint? {
        guard let address = address(&reader) else { return nil }
        var endpoint = ExternalEndpoint(address: address)
        endpoint.line = reader.line
        endpoint.labels = inherited.merging(reader.labels("labels") ?? [:]) { $1 }
        endpoint.network = reader.text("network") ?? ""
        endpoint.weight = UInt32(clamping: reader.integer("weight", 0...Int(UInt32.max)) ?? 1)
        if endpoint.weight == 0 { endpoint.weight = 1 }
        if let text = reader.text("locality") {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            endpoint.locality = Locality(
                region: parts[0], zone: parts.count > 1 ? parts[1] : "", subzone: parts.count > 2 ? parts[2] : "")
        }
        if let ports = reader.map("ports") {
            for entry in ports.all {
                if case .scalar(let text, _) = entry.value.content, let port = UInt16(text), port > 0 {
                    endpoint.ports[entry.key] = port
                } else {
                    let found = "expected a port from 1 to 65535, found \(entry.value.summary)"
                    reader.complain(entry.line, ports.field(entry.key), found)
                }
            }
        }
        if let account = reader.text("serviceAccount"), !account.isEmpty {
            guard ResourceName.isValid(account) else {
                let reason = "is no valid name: \"\(account.prefix(64))\""
                reader.complain(reader.line, reader.field("serviceAccount"), reason)
                return nil
            }
            endpoint.serviceAccount = account
        }
        reader.complainAboutTheRest()
        return endpoint
    }

    private static func address(_ reader: inout MapReader) -> ExternalEndpoint.Address? {
        guard let text = reader.text("address"), !text.isEmpty else { return ExternalEndpoint.Address.none }
        if let address = IPAddress(text)?.canonical { return .ip(address) }
        if ResourceName.isValid(text.lowercased()) { return .hostname(text.lowercased()) }
        let expected = "expected an IP address or a DNS name (Unix sockets are not supported)"
        reader.complain(reader.line, reader.field("address"), "\(expected), found \"\(text.prefix(64))\"")
        return nil
    }
}

enum ServiceEntryDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> ServiceEntryResource? {
        var entry = ServiceEntryResource(metadata: metadata)
        if var status = root.map("status") {
            entry.allocated = allocated(&status)
            root.absorb(status)
        }
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        hosts(&spec, into: &entry)
        for value in spec.texts("addresses") ?? [] {
            if let block = IPBlock(value.text) {
                entry.addresses.append(block)
            } else {
                spec.complain(value.line, value.field, "expected an address or ADDRESS/LENGTH, found \"\(value.text)\"")
            }
        }
        for var port in spec.maps("ports") {
            if let value = self.port(&port) { entry.ports.append(value) }
            spec.absorb(port)
        }
        let isReadable = kinds(&spec, into: &entry)
        for var reader in spec.maps("endpoints") {
            if let endpoint = WorkloadEntryDecoder.endpoint(&reader, inherited: [:]) {
                entry.endpoints.append(endpoint)
            }
            spec.absorb(reader)
        }
        selector(&spec, into: &entry)
        entry.subjectAltNames = (spec.texts("subjectAltNames") ?? []).map(\.text)
        visibility(&spec, into: &entry)
        spec.complainAboutTheRest()
        root.absorb(spec)
        return isReadable ? entry : nil
    }

    private static func allocated(_ status: inout MapReader) -> [ServiceEntryResource.AllocatedAddress] {
        var found: [ServiceEntryResource.AllocatedAddress] = []
        for var reader in status.maps("addresses") {
            if let text = reader.text("value"), let address = IPAddress(text) {
                let host = reader.text("host") ?? ""
                found.append(ServiceEntryResource.AllocatedAddress(host: host, address: address))
            }
        }
        return found
    }

    private static func hosts(_ spec: inout MapReader, into entry: inout ServiceEntryResource) {
        for value in spec.texts("hosts") ?? [] {
            let name = value.text.lowercased()
            // A slash would make another service's key of it.
            if ResourceName.isValid(name.hasPrefix("*.") ? String(name.dropFirst(2)) : name) {
                if !entry.hosts.contains(name) { entry.hosts.append(name) }
            } else {
                spec.complain(value.line, value.field, "expected a DNS name or *.NAME, found \"\(value.text)\"")
            }
        }
        if entry.hosts.isEmpty, spec.problems.isEmpty { spec.complain(spec.line, spec.field("hosts"), "is missing") }
    }

    private static func port(_ reader: inout MapReader) -> ServiceEntryResource.Port? {
        let name = reader.text("name") ?? ""
        let number = reader.port("number")
        let target = reader.port("targetPort") ?? 0
        let declared = reader.text("protocol") ?? ""
        reader.complainAboutTheRest()
        guard let number else {
            if reader.problems.isEmpty { reader.complain(reader.line, reader.field("number"), "is missing") }
            return nil
        }
        if declared.uppercased() == "UDP" { return nil }
        return ServiceEntryResource.Port(
            name: name, number: number, targetPort: target,
            applicationProtocol: ProtocolNames.resolve(declared: declared, portName: name))
    }

    /// `false`: how to reach it is unknown.
    private static func kinds(_ spec: inout MapReader, into entry: inout ServiceEntryResource) -> Bool {
        if let text = spec.text("resolution") {
            guard let resolution = ServiceEntryResource.Resolution(rawValue: text) else {
                let expected = "expected NONE, STATIC, DNS, DNS_ROUND_ROBIN or DYNAMIC_DNS"
                spec.complain(spec.line, spec.field("resolution"), "\(expected), found \"\(text)\"")
                return false
            }
            entry.resolution = resolution
        }
        if let text = spec.text("location") {
            if let location = ServiceEntryResource.Location(rawValue: text) {
                entry.location = location
            } else {
                let found = "expected MESH_EXTERNAL or MESH_INTERNAL, found \"\(text)\""
                spec.complain(spec.line, spec.field("location"), found)
            }
        }
        return true
    }

    private static func selector(_ spec: inout MapReader, into entry: inout ServiceEntryResource) {
        guard var selector = spec.map("workloadSelector") else { return }
        entry.workloadSelector = selector.labels("labels") ?? [:]
        selector.complainAboutTheRest()
        spec.absorb(selector)
    }

    private static func visibility(_ spec: inout MapReader, into entry: inout ServiceEntryResource) {
        guard let values = spec.texts("exportTo"), !values.isEmpty else { return }
        let names = values.map(\.text)
        if names == ["*"] { return }
        entry.visibility = .ownNamespace
        if names != ["."] {
            let found = names.joined(separator: ", ")
            let reason = "expected . or *, found \(found) (the hosts are visible in their own namespace only)"
            spec.complain(spec.line, spec.field("exportTo"), reason)
        }
    }
}
