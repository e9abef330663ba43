package import MeshModel
package import MeshWire

import SwiftProtobuf

extension WireCodec {
    package static func service(_ message: Istio_Workload_Service) throws(WireRejection) -> Service {
        guard !message.hostname.isEmpty else { throw .missing(field: "hostname") }
        guard ServiceKey("\(message.namespace)/\(message.hostname)") != nil else {
            throw .serviceKey("\(message.namespace)/\(message.hostname)")
        }
        var service = Service(name: message.name, namespace: message.namespace, hostname: message.hostname)
        for address in message.addresses {
            let length = address.hasLength ? address.length : nil
            let block = try block(address.address, length: length, field: "addresses")
            service.virtualAddresses.append(VirtualAddress(network: address.network, block))
        }
        service.ports = try ports(message.ports)
        service.subjectAltNames = message.subjectAltNames
        if message.hasWaypoint { service.waypoint = try gateway(message.waypoint, field: "waypoint") }
        for waypoint in message.weightedWaypoints {
            let field = "weighted_waypoints"
            guard waypoint.hasDestination else { throw .gatewayWithoutDestination(field: field) }
            let gateway = try gateway(waypoint.destination, field: field)
            service.weightedWaypoints.append(WeightedWaypoint(gateway, weight: waypoint.weight))
        }
        if message.hasLoadBalancing { service.loadBalancing = try loadBalancing(message.loadBalancing) }
        service.ipFamilies = try families(message.ipFamilies)
        service.isCanonical = message.canonical
        // The one enum whose unknown values mean its default, as in Istio's ztunnel.
        service.visibility = message.visibility == .namespace ? .ownNamespace : .everyone
        return service
    }

    package static func message(_ service: Service) -> Istio_Workload_Service {
        .with {
            $0.name = service.name
            $0.namespace = service.namespace
            $0.hostname = service.hostname
            $0.addresses = service.virtualAddresses.map(message)
            $0.ports = messages(service.ports)
            $0.subjectAltNames = service.subjectAltNames
            if let waypoint = service.waypoint { $0.waypoint = message(waypoint) }
            $0.weightedWaypoints = service.weightedWaypoints.map { waypoint in
                .with {
                    $0.destination = message(waypoint.gateway)
                    $0.weight = waypoint.weight
                }
            }
            if service.loadBalancing != LoadBalancing() { $0.loadBalancing = message(service.loadBalancing) }
            $0.ipFamilies = message(service.ipFamilies)
            $0.canonical = service.isCanonical
            $0.visibility = service.visibility == .ownNamespace ? .namespace : .public
        }
    }

    private static func message(_ address: VirtualAddress) -> Istio_Workload_NetworkAddress {
        .with {
            $0.network = address.network
            $0.address = bytes(address.block.address)
            if address.exact == nil { $0.length = UInt32(address.block.length) }
        }
    }

    private static func families(_ value: Istio_Workload_IPFamilies) throws(WireRejection) -> IPFamilies {
        switch value {
        case .automatic: return .automatic
        case .ipv4Only: return .v4Only
        case .ipv6Only: return .v6Only
        case .dual: return .dual
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "ip_families", value: raw)
        }
    }

    private static func message(_ value: IPFamilies) -> Istio_Workload_IPFamilies {
        switch value {
        case .automatic: .automatic
        case .v4Only: .ipv4Only
        case .v6Only: .ipv6Only
        case .dual: .dual
        }
    }
}

/// Load balancing.
extension WireCodec {
    private static func loadBalancing(
        _ message: Istio_Workload_LoadBalancing
    ) throws(WireRejection) -> LoadBalancing {
        var preferences: [LoadBalancing.Scope] = []
        for value in message.routingPreference { preferences.append(try scope(value)) }
        let policy: LoadBalancing.HealthPolicy
        switch message.healthPolicy {
        case .onlyHealthy: policy = .onlyHealthy
        case .allowAll: policy = .allowAll
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "health_policy", value: raw)
        }
        return LoadBalancing(
            routingPreferences: preferences, mode: try mode(message.mode), healthPolicy: policy)
    }

    private static func message(_ value: LoadBalancing) -> Istio_Workload_LoadBalancing {
        .with {
            $0.routingPreference = value.routingPreferences.map(message)
            switch value.mode {
            case .standard: $0.mode = .unspecifiedMode
            case .strict: $0.mode = .strict
            case .failover: $0.mode = .failover
            case .passthrough: $0.mode = .passthrough
            }
            $0.healthPolicy = value.healthPolicy == .allowAll ? .allowAll : .onlyHealthy
        }
    }

    private static func mode(_ value: Istio_Workload_LoadBalancing.Mode) throws(WireRejection) -> LoadBalancing.Mode {
        switch value {
        case .unspecifiedMode: return .standard
        case .strict: return .strict
        case .failover: return .failover
        case .passthrough: return .passthrough
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "load_balancing.mode", value: raw)
        }
    }

    private static func scope(
        _ value: Istio_Workload_LoadBalancing.Scope
    ) throws(WireRejection) -> LoadBalancing.Scope {
        switch value {
        case .region: return .region
        case .zone: return .zone
        case .subzone: return .subzone
        case .node: return .node
        case .cluster: return .cluster
        case .network: return .network
        case .unspecifiedScope: throw .unknownValue(field: "routing_preference", value: 0)
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "routing_preference", value: raw)
        }
    }

    private static func message(_ value: LoadBalancing.Scope) -> Istio_Workload_LoadBalancing.Scope {
        switch value {
        case .region: .region
        case .zone: .zone
        case .subzone: .subzone
        case .node: .node
        case .cluster: .cluster
        case .network: .network
        }
    }
}
