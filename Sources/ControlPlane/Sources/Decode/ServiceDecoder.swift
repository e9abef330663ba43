import ControlTranslate
import MeshModel

enum ServiceDecoder {
    /// About load balancers and nodes, which are outside of the mesh.
    private static let idleFields: Set<String> = [
        "allocateLoadBalancerNodePorts", "externalName", "externalTrafficPolicy", "healthCheckNodePort",
        "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges", "sessionAffinityConfig",
    ]

    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> ServiceResource? {
        var service = ServiceResource(metadata: metadata)
        root.skip(["status"])
        guard var spec = root.map("spec") else {
            root.complain(root.line, "spec", "is missing")
            return nil
        }
        service.isExternalName = spec.text("type") == "ExternalName"
        service.selector = spec.labels("selector") ?? [:]
        service.publishNotReadyAddresses = spec.flag("publishNotReadyAddresses") ?? false
        service.trafficDistribution = spec.text("trafficDistribution") ?? ""
        if let policy = spec.text("internalTrafficPolicy"), policy != "Cluster" {
            service.localTrafficOnly = policy == "Local"
            if policy != "Local" {
                let found = "expected Cluster or Local, found \"\(policy)\""
                spec.complain(spec.line, spec.field("internalTrafficPolicy"), found)
            }
        }
        if let affinity = spec.text("sessionAffinity"), affinity != "None" {
            spec.complain(spec.line, spec.field("sessionAffinity"), "\(affinity) is not supported by the mesh")
        }
        if spec.list("externalIPs")?.isEmpty == false {
            spec.complain(spec.line, spec.field("externalIPs"), "are not supported by the mesh")
        }
        addresses(&spec, into: &service)
        families(&spec, into: &service)
        for var port in spec.maps("ports") {
            if let value = self.port(&port) { service.ports.append(value) }
            spec.absorb(port)
        }
        spec.skip(idleFields)
        spec.complainAboutTheRest()
        root.absorb(spec)
        return service
    }

    private static func addresses(_ spec: inout MapReader, into service: inout ServiceResource) {
        let several = spec.texts("clusterIPs") ?? []
        let single = spec.text("clusterIP")
        let written = several.isEmpty ? single.map { [$0] } ?? [] : several.map(\.text)
        for text in written where text != "None" && !text.isEmpty {
            if let address = IPAddress(text)?.canonical, !address.isUnspecified {
                service.virtualAddresses.append(address)
            } else {
                spec.complain(spec.line, spec.field("clusterIPs"), "expected an address or None, found \"\(text)\"")
            }
        }
    }

    private static func families(_ spec: inout MapReader, into service: inout ServiceResource) {
        var found: Set<IPAddress.Family> = []
        for value in spec.texts("ipFamilies") ?? [] {
            switch value.text {
            case "IPv4": found.insert(.v4)
            case "IPv6": found.insert(.v6)
            default: spec.complain(value.line, value.field, "expected IPv4 or IPv6, found \"\(value.text)\"")
            }
        }
        switch (found.contains(.v4), found.contains(.v6)) {
        case (true, true): service.ipFamilies = .dual
        case (true, false): service.ipFamilies = .v4Only
        case (false, true): service.ipFamilies = .v6Only
        case (false, false): service.ipFamilies = .automatic
        }
    }

    private static func port(_ reader: inout MapReader) -> ServiceResource.Port? {
        let name = reader.text("name") ?? ""
        let number = reader.port("port")
        let target = targetPort(&reader)
        let isTCP = (reader.text("protocol") ?? "TCP") == "TCP"
        let appProtocol = reader.text("appProtocol") ?? ""
        reader.skip(["nodePort"])
        reader.complainAboutTheRest()
        guard let number, isTCP else {
            // Other protocols are not carried by the mesh; their packets go their own way.
            if number == nil, reader.problems.isEmpty {
                reader.complain(reader.line, reader.field("port"), "is missing")
            }
            return nil
        }
        return ServiceResource.Port(
            name: name, port: number, targetPort: target,
            applicationProtocol: ProtocolNames.resolve(declared: appProtocol, portName: name))
    }

    /// A number, quoted or not, or a name.
    static func targetPort(_ reader: inout MapReader) -> TargetPort? {
        guard let text = reader.text("targetPort"), !text.isEmpty else { return nil }
        guard text.allSatisfy(\.isNumber) else { return .name(text) }
        guard let number = UInt16(text) else {
            let found = "expected a port from 1 to 65535 or a name, found \"\(text)\""
            reader.complain(reader.line, reader.field("targetPort"), found)
            return nil
        }
        return number == 0 ? nil : .number(number)
    }
}

/// How ports say which protocol they carry.
enum ProtocolNames {
    /// appProtocol first, else the port's name up to the first dash.
    static func resolve(declared: String, portName: String) -> ApplicationProtocol {
        let prefix = portName.prefix { $0 != "-" }
        switch (declared.isEmpty ? String(prefix) : declared).lowercased() {
        case "http", "kubernetes.io/ws": return .http11
        case "http2", "h2c", "kubernetes.io/h2c": return .http2
        case "grpc": return .grpc
        case "https", "tls", "kubernetes.io/wss": return .tls
        case "tcp", "mongo", "mysql", "redis": return .tcp
        default: return .unknown
        }
    }
}
