import ControlTranslate
import MeshModel

enum EndpointSliceDecoder {
    static func decode(_ root: inout MapReader, _ metadata: ResourceMetadata) -> EndpointSliceResource? {
        var slice = EndpointSliceResource(metadata: metadata)
        slice.serviceName = metadata.labels["kubernetes.io/service-name"] ?? ""
        if let type = root.text("addressType"), type != "IPv4", type != "IPv6" {
            root.complain(root.line, "addressType", "expected IPv4 or IPv6, found \"\(type)\"")
            root.skip(["endpoints", "ports"])
            return nil
        }
        for var port in root.maps("ports") {
            let (name, number) = (port.text("name") ?? "", port.port("port"))
            if let number, (port.text("protocol") ?? "TCP") == "TCP" {
                slice.ports.append(EndpointSliceResource.Port(name: name, port: number))
            }
            port.skip(["appProtocol", "protocol"])
            port.complainAboutTheRest()
            root.absorb(port)
        }
        for var endpoint in root.maps("endpoints") {
            slice.endpoints.append(self.endpoint(&endpoint, namespace: metadata.namespace))
            root.absorb(endpoint)
        }
        return slice
    }

    private static func endpoint(
        _ reader: inout MapReader, namespace: String
    ) -> EndpointSliceResource.Endpoint {
        var endpoint = EndpointSliceResource.Endpoint(addresses: [])
        for value in reader.texts("addresses") ?? [] {
            if let address = IPAddress(value.text)?.canonical, !address.isUnspecified {
                endpoint.addresses.append(address)
            } else {
                reader.complain(value.line, value.field, "expected an IP address, found \"\(value.text)\"")
            }
        }
        if var conditions = reader.map("conditions") {
            // Absent means unknown, which the API asks to take as ready.
            endpoint.isReady = conditions.flag("ready") ?? conditions.problems.isEmpty
            conditions.skip(["serving", "terminating"])
            conditions.complainAboutTheRest()
            reader.absorb(conditions)
        }
        endpoint.nodeName = reader.text("nodeName") ?? ""
        if var target = reader.map("targetRef"), target.text("kind") == "Pod", let name = target.text("name") {
            endpoint.pod = PodKey(namespace: target.text("namespace") ?? namespace, name: name)
        }
        reader.skip(["hostname", "zone", "hints", "deprecatedTopology", "topology"])
        reader.complainAboutTheRest()
        return endpoint
    }
}
