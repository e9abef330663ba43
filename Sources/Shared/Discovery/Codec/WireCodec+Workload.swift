package import MeshModel
package import MeshWire

import SwiftProtobuf

extension WireCodec {
    package static func workload(_ message: Istio_Workload_Workload) throws(WireRejection) -> Workload {
        guard !message.uid.isEmpty else { throw .missing(field: "uid") }
        var workload = Workload(uid: message.uid, name: message.name, namespace: message.namespace)
        if !message.serviceAccount.isEmpty { workload.serviceAccount = message.serviceAccount }
        if !message.trustDomain.isEmpty { workload.trustDomain = message.trustDomain }
        if !message.clusterID.isEmpty { workload.clusterID = message.clusterID }
        for bytes in message.addresses {
            workload.addresses.append(try address(bytes, field: "addresses"))
        }
        workload.hostname = message.hostname
        workload.network = message.network
        workload.networkMode = try networkMode(message.networkMode)
        workload.tunnel = try tunnel(message.tunnelProtocol)
        workload.nativeTunnel = message.nativeTunnel
        workload.node = message.node
        workload.canonicalName = message.canonicalName
        workload.canonicalRevision = message.canonicalRevision
        workload.workloadType = try workloadType(message.workloadType)
        workload.workloadName = message.workloadName
        workload.status = try status(message.status)
        if message.hasLocality {
            let locality = message.locality
            workload.locality = Locality(region: locality.region, zone: locality.zone, subzone: locality.subzone)
        }
        // A weight of nought would hide the endpoint; the model promises at least 1.
        workload.capacity = message.hasCapacity ? max(1, message.capacity.value) : 1
        if message.hasWaypoint { workload.waypoint = try gateway(message.waypoint, field: "waypoint") }
        if message.hasNetworkGateway {
            workload.networkGateway = try gateway(message.networkGateway, field: "network_gateway")
        }
        if message.hasApplicationTunnel { workload.applicationTunnel = try tunnel(message.applicationTunnel) }
        workload.authorizationPolicies = message.authorizationPolicies
        for (name, list) in message.services {
            guard let key = ServiceKey(name) else { throw .serviceKey(name) }
            workload.services[key] = try ports(list.ports)
        }
        return workload
    }

    package static func message(_ workload: Workload) -> Istio_Workload_Workload {
        .with {
            $0.uid = workload.uid
            $0.name = workload.name
            $0.namespace = workload.namespace
            $0.serviceAccount = workload.serviceAccount
            if workload.trustDomain != Identity.defaultTrustDomain { $0.trustDomain = workload.trustDomain }
            $0.clusterID = workload.clusterID
            $0.addresses = workload.addresses.map(bytes)
            $0.hostname = workload.hostname
            $0.network = workload.network
            $0.networkMode = workload.networkMode == .hostNetwork ? .hostNetwork : .standard
            $0.tunnelProtocol = workload.tunnel == .hbone ? .hbone : .none
            $0.nativeTunnel = workload.nativeTunnel
            $0.node = workload.node
            $0.canonicalName = workload.canonicalName
            $0.canonicalRevision = workload.canonicalRevision
            $0.workloadType = message(workload.workloadType)
            $0.workloadName = workload.workloadName
            $0.status = workload.status == .healthy ? .healthy : .unhealthy
            if workload.locality != Locality() {
                $0.locality.region = workload.locality.region
                $0.locality.zone = workload.locality.zone
                $0.locality.subzone = workload.locality.subzone
            }
            if workload.capacity != 1 { $0.capacity.value = workload.capacity }
            if let waypoint = workload.waypoint { $0.waypoint = message(waypoint) }
            if let gateway = workload.networkGateway { $0.networkGateway = message(gateway) }
            if let tunnel = workload.applicationTunnel {
                $0.applicationTunnel.protocol = tunnel.form == .proxy ? .proxy : .none
                $0.applicationTunnel.port = UInt32(tunnel.port ?? 0)
            }
            $0.authorizationPolicies = workload.authorizationPolicies
            for (key, ports) in workload.services {
                $0.services[key.description] = .with { $0.ports = messages(ports) }
            }
        }
    }

    private static func networkMode(_ value: Istio_Workload_NetworkMode) throws(WireRejection) -> NetworkMode {
        switch value {
        case .standard: return .standard
        case .hostNetwork: return .hostNetwork
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "network_mode", value: raw)
        }
    }

    private static func tunnel(_ value: Istio_Workload_TunnelProtocol) throws(WireRejection) -> TunnelProtocol {
        switch value {
        case .none: return .none
        case .hbone: return .hbone
        case .legacyIstioMtls: throw .legacyTunnel
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "tunnel_protocol", value: raw)
        }
    }

    private static func status(_ value: Istio_Workload_WorkloadStatus) throws(WireRejection) -> WorkloadStatus {
        switch value {
        case .healthy: return .healthy
        case .unhealthy: return .unhealthy
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "status", value: raw)
        }
    }

    private static func workloadType(_ value: Istio_Workload_WorkloadType) throws(WireRejection) -> WorkloadType {
        switch value {
        case .deployment: return .deployment
        case .cronjob: return .cronjob
        case .pod: return .pod
        case .job: return .job
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "workload_type", value: raw)
        }
    }

    private static func message(_ value: WorkloadType) -> Istio_Workload_WorkloadType {
        switch value {
        case .deployment: .deployment
        case .cronjob: .cronjob
        case .pod: .pod
        case .job: .job
        }
    }

    private static func tunnel(
        _ message: Istio_Workload_ApplicationTunnel
    ) throws(WireRejection) -> ApplicationTunnel {
        let port = try port(message.port, field: "application_tunnel.port")
        switch message.protocol {
        case .none: return ApplicationTunnel(form: .none, port: port == 0 ? nil : port)
        case .proxy: return ApplicationTunnel(form: .proxy, port: port == 0 ? nil : port)
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "application_tunnel.protocol", value: raw)
        }
    }
}
