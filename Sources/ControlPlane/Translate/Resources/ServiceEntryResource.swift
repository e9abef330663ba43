package import MeshModel

/// An endpoint outside of pods: a WorkloadEntry's spec, or an inline endpoint of a ServiceEntry.
package struct ExternalEndpoint: Hashable, Sendable {
    package enum Address: Hashable, Sendable {
        case ip(IPAddress)
        /// To be resolved by the client's node.
        case hostname(String)
        /// Reached through its network's gateway only.
        case none
    }

    package var address: Address
    /// Port by the name of the service port.
    package var ports: [String: UInt16] = [:]
    package var labels: [String: String] = [:]
    package var network: String = ""
    package var locality: Locality = Locality()
    /// At least 1.
    package var weight: UInt32 = 1
    package var serviceAccount: String = ""
    /// Line where it was written.
    package var line: Int = 0

    package init(address: Address) { self.address = address }
}

/// networking.istio.io WorkloadEntry.
package struct WorkloadEntryResource: MeshResource {
    package static let kind = "WorkloadEntry"
    package var metadata: ResourceMetadata
    package var endpoint: ExternalEndpoint

    package init(metadata: ResourceMetadata, endpoint: ExternalEndpoint) {
        self.metadata = metadata
        self.endpoint = endpoint
    }
}

/// networking.istio.io ServiceEntry.
package struct ServiceEntryResource: MeshResource {
    package static let kind = "ServiceEntry"

    package enum Resolution: String, Hashable, Sendable {
        case none = "NONE"
        case fixed = "STATIC"
        case dns = "DNS"
        case dnsRoundRobin = "DNS_ROUND_ROBIN"
        case dynamicDNS = "DYNAMIC_DNS"

        /// Endpoints may be names.
        package var isDNS: Bool { self == .dns || self == .dnsRoundRobin }
    }

    package enum Location: String, Hashable, Sendable {
        case external = "MESH_EXTERNAL"
        case `internal` = "MESH_INTERNAL"
    }

    package struct Port: Hashable, Sendable {
        package var name: String
        package var number: UInt16
        /// 0: the same number.
        package var targetPort: UInt16
        package var applicationProtocol: ApplicationProtocol

        package init(
            name: String, number: UInt16, targetPort: UInt16 = 0, applicationProtocol: ApplicationProtocol = .unknown
        ) {
            self.name = name
            self.number = number
            self.targetPort = targetPort
            self.applicationProtocol = applicationProtocol
        }
    }

    package var metadata: ResourceMetadata
    package var hosts: [String] = []
    package var addresses: [IPBlock] = []
    /// status.addresses with the host each was allocated for (empty: any).
    package var allocated: [AllocatedAddress] = []
    package var ports: [Port] = []
    package var resolution: Resolution = .none
    package var location: Location = .external
    package var endpoints: [ExternalEndpoint] = []
    /// `nil`: no workloadSelector; an empty one selects every workload of the namespace.
    package var workloadSelector: [String: String]?
    package var subjectAltNames: [String] = []
    package var visibility: Visibility = .everyone

    package init(metadata: ResourceMetadata) { self.metadata = metadata }

    /// A virtual address that a controller wrote into the status.
    package struct AllocatedAddress: Hashable, Sendable {
        package var host: String
        package var address: IPAddress

        package init(host: String, address: IPAddress) {
            self.host = host
            self.address = address
        }
    }
}
