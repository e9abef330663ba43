/// `NAMESPACE/HOSTNAME`, the key of a service everywhere.
package struct ServiceKey: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let hostname: String

    package init(namespace: String, hostname: String) {
        self.namespace = namespace
        self.hostname = hostname
    }

    /// `NAMESPACE/HOSTNAME` with exactly one slash and neither part empty.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(namespace: String(parts[0]), hostname: String(parts[1]))
    }

    package var description: String { "\(namespace)/\(hostname)" }
}

/// Something reached by a virtual address or a hostname: a Kubernetes Service or one host of a ServiceEntry.
package struct Service: Hashable, Sendable {
    package var name: String
    package var namespace: String
    package var hostname: String
    package var virtualAddresses: [VirtualAddress] = []
    package var ports: [ServicePort] = []
    /// Further server identities to accept.
    package var subjectAltNames: [String] = []
    package var waypoint: GatewayReference?
    package var weightedWaypoints: [WeightedWaypoint] = []
    package var loadBalancing: LoadBalancing = LoadBalancing()
    package var ipFamilies: IPFamilies = .automatic
    /// Preferred when several namespaces define the hostname.
    package var isCanonical: Bool = false
    package var visibility: Visibility = .everyone

    package init(name: String, namespace: String, hostname: String) {
        self.name = name
        self.namespace = namespace
        self.hostname = hostname
    }

    package var key: ServiceKey { ServiceKey(namespace: namespace, hostname: hostname) }
}

/// A virtual address of a service, or a whole block of them, in a network.
package struct VirtualAddress: Hashable, Sendable {
    package var network: String
    package var block: IPBlock

    package init(network: String = "", _ block: IPBlock) {
        self.network = network
        self.block = block
    }

    package init(network: String = "", _ address: IPAddress) {
        self.init(network: network, IPBlock(address))
    }

    /// The one address, when the block holds just one.
    package var exact: IPAddress? { block.length == block.address.family.bitCount ? block.address : nil }
}

/// A port of a service and the port its endpoints listen on.
package struct ServicePort: Hashable, Sendable {
    package var servicePort: UInt16
    /// `nil`: a named port, to be taken from the endpoint's own mapping.
    package var targetPort: UInt16?
    package var applicationProtocol: ApplicationProtocol

    package init(servicePort: UInt16, targetPort: UInt16?, applicationProtocol: ApplicationProtocol = .unknown) {
        self.servicePort = servicePort
        self.targetPort = targetPort
        self.applicationProtocol = applicationProtocol
    }
}

/// What a port says it speaks.
package enum ApplicationProtocol: String, Hashable, Sendable {
    case unknown, http11, http2, grpc, tcp, tls
}

/// Address families a service asks for.
package enum IPFamilies: String, Hashable, Sendable {
    case automatic = "Automatic"
    case v4Only = "IPv4Only"
    case v6Only = "IPv6Only"
    case dual = "Dual"

    /// Whether an endpoint address of this family may be chosen.
    package func admits(_ family: IPAddress.Family) -> Bool {
        switch self {
        case .automatic, .dual: return true
        case .v4Only: return family == .v4
        case .v6Only: return family == .v6
        }
    }
}

/// Which clients see a service.
package enum Visibility: String, Hashable, Sendable {
    case everyone = "Public"
    /// Seen only by clients of its own namespace.
    case ownNamespace = "Namespace"
}

/// How the endpoints of a service are ranked for a client.
package struct LoadBalancing: Hashable, Sendable {
    package enum Scope: String, Hashable, Sendable {
        case region = "Region"
        case zone = "Zone"
        case subzone = "Subzone"
        case node = "Node"
        case cluster = "Cluster"
        case network = "Network"
    }

    package enum Mode: String, Hashable, Sendable {
        /// Any endpoint.
        case standard = "Standard"
        /// Only endpoints that match every scope.
        case strict = "Strict"
        /// Endpoints that match more scopes first.
        case failover = "Failover"
        /// The original destination is kept.
        case passthrough = "Passthrough"
    }

    package enum HealthPolicy: String, Hashable, Sendable {
        case onlyHealthy = "OnlyHealthy"
        case allowAll = "AllowAll"
    }

    package var routingPreferences: [Scope]
    package var mode: Mode
    package var healthPolicy: HealthPolicy

    package init(routingPreferences: [Scope] = [], mode: Mode = .standard, healthPolicy: HealthPolicy = .onlyHealthy) {
        self.routingPreferences = routingPreferences
        self.mode = mode
        self.healthPolicy = healthPolicy
    }
}

/// Where a waypoint or a network gateway is: named or by address, and its HBONE port.
package struct GatewayReference: Hashable, Sendable {
    package enum Destination: Hashable, Sendable {
        case hostname(ServiceKey)
        case address(network: String, IPAddress)
    }

    package var destination: Destination
    package var hbonePort: UInt16

    package init(_ destination: Destination, hbonePort: UInt16 = 15008) {
        self.destination = destination
        self.hbonePort = hbonePort
    }
}

extension GatewayReference.Destination: CustomStringConvertible {
    package var description: String {
        switch self {
        case .hostname(let key): return key.description
        case .address(let network, let ip): return "\(network)/\(ip)"
        }
    }
}

/// One of several waypoints and its share of the connections.
package struct WeightedWaypoint: Hashable, Sendable {
    package var gateway: GatewayReference
    package var weight: UInt32

    package init(_ gateway: GatewayReference, weight: UInt32) {
        self.gateway = gateway
        self.weight = weight
    }
}
