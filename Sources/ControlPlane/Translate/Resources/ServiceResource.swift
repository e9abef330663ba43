package import MeshModel

/// A target port: a number, or the name of a port of the endpoint.
package enum TargetPort: Hashable, Sendable {
    case number(UInt16)
    case name(String)
}

/// v1 Service, as far as the mesh needs it.
package struct ServiceResource: MeshResource {
    package static let kind = "Service"

    /// A TCP port; others are not carried by the mesh.
    package struct Port: Hashable, Sendable {
        package var name: String
        package var port: UInt16
        package var targetPort: TargetPort
        package var applicationProtocol: ApplicationProtocol

        package init(
            name: String = "", port: UInt16, targetPort: TargetPort? = nil,
            applicationProtocol: ApplicationProtocol = .unknown
        ) {
            self.name = name
            self.port = port
            self.targetPort = targetPort ?? .number(port)
            self.applicationProtocol = applicationProtocol
        }
    }

    package var metadata: ResourceMetadata
    /// Cluster IPs; empty when headless.
    package var virtualAddresses: [IPAddress] = []
    package var ports: [Port] = []
    /// Empty: endpoints come from EndpointSlices.
    package var selector: [String: String] = [:]
    package var ipFamilies: IPFamilies = .automatic
    package var publishNotReadyAddresses: Bool = false
    /// internalTrafficPolicy: Local.
    package var localTrafficOnly: Bool = false
    /// spec.trafficDistribution as written; empty when absent.
    package var trafficDistribution: String = ""
    /// type: ExternalName; such a service is a DNS alias and stays out of the mesh.
    package var isExternalName: Bool = false

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}

/// discovery.k8s.io EndpointSlice.
package struct EndpointSliceResource: MeshResource {
    package static let kind = "EndpointSlice"

    package struct Port: Hashable, Sendable {
        package var name: String
        package var port: UInt16

        package init(name: String = "", port: UInt16) {
            self.name = name
            self.port = port
        }
    }

    package struct Endpoint: Hashable, Sendable {
        package var addresses: [IPAddress]
        package var isReady: Bool
        /// targetRef of kind Pod.
        package var pod: PodKey?
        package var nodeName: String

        package init(addresses: [IPAddress], isReady: Bool = true, pod: PodKey? = nil, nodeName: String = "") {
            self.addresses = addresses
            self.isReady = isReady
            self.pod = pod
            self.nodeName = nodeName
        }
    }

    package var metadata: ResourceMetadata
    /// Label kubernetes.io/service-name.
    package var serviceName: String = ""
    package var ports: [Port] = []
    package var endpoints: [Endpoint] = []

    package init(metadata: ResourceMetadata) { self.metadata = metadata }
}
