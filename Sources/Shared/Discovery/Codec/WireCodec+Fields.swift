import MeshModel
import MeshWire

import FoundationEssentials
import SwiftProtobuf

/// Fields that several messages share.
extension WireCodec {
    static func address(_ bytes: Data, field: String) throws(WireRejection) -> IPAddress {
        guard let ip = IPAddress(bytes: bytes) else { throw .addressLength(field: field, byteCount: bytes.count) }
        return ip.canonical
    }

    /// A block; no length means one address. IPv4 inside IPv6 becomes IPv4, the form that connections are compared in.
    static func block(_ bytes: Data, length: UInt32?, field: String) throws(WireRejection) -> IPBlock {
        guard let ip = IPAddress(bytes: bytes) else { throw .addressLength(field: field, byteCount: bytes.count) }
        let bitCount = ip.family.bitCount
        let given = length ?? UInt32(bitCount)
        guard given <= bitCount, let block = IPBlock(ip, length: Int(given)) else {
            throw .prefixLength(field: field, length: given, bitCount: bitCount)
        }
        guard ip.canonical.family != ip.family, given >= 96 else { return block }
        return IPBlock(ip.canonical, length: Int(given) - 96) ?? block
    }

    static func port(_ value: UInt32, field: String) throws(WireRejection) -> UInt16 {
        guard let port = UInt16(exactly: value) else { throw .port(field: field, value: value) }
        return port
    }

    static func bytes(_ ip: IPAddress) -> Data { Data(ip.bytes) }

    static func ports(_ messages: [Istio_Workload_Port]) throws(WireRejection) -> [ServicePort] {
        var ports: [ServicePort] = []
        ports.reserveCapacity(messages.count)
        for message in messages {
            let target = try port(message.targetPort, field: "target_port")
            ports.append(
                ServicePort(
                    servicePort: try port(message.servicePort, field: "service_port"),
                    targetPort: target == 0 ? nil : target,
                    applicationProtocol: try applicationProtocol(message.appProtocol)))
        }
        return ports
    }

    static func messages(_ ports: [ServicePort]) -> [Istio_Workload_Port] {
        ports.map { port in
            .with {
                $0.servicePort = UInt32(port.servicePort)
                $0.targetPort = UInt32(port.targetPort ?? 0)
                $0.appProtocol = message(port.applicationProtocol)
            }
        }
    }

    private static func applicationProtocol(
        _ value: Istio_Workload_AppProtocol
    ) throws(WireRejection) -> ApplicationProtocol {
        switch value {
        case .unknown: return .unknown
        case .http11: return .http11
        case .http2: return .http2
        case .grpc: return .grpc
        case .tcp: return .tcp
        case .tls: return .tls
        case .UNRECOGNIZED(let raw): throw .unknownValue(field: "app_protocol", value: raw)
        }
    }

    private static func message(_ value: ApplicationProtocol) -> Istio_Workload_AppProtocol {
        switch value {
        case .unknown: .unknown
        case .http11: .http11
        case .http2: .http2
        case .grpc: .grpc
        case .tcp: .tcp
        case .tls: .tls
        }
    }
}

/// Gateways and waypoints.
extension WireCodec {
    static func gateway(
        _ message: Istio_Workload_GatewayAddress, field: String
    ) throws(WireRejection) -> GatewayReference {
        let destination: GatewayReference.Destination
        switch message.destination {
        case .hostname(let name):
            guard !name.hostname.isEmpty else { throw .missing(field: "\(field).hostname") }
            destination = .hostname(ServiceKey(namespace: name.namespace, hostname: name.hostname))
        case .address(let address):
            let ip = try self.address(address.address, field: field)
            destination = .address(network: address.network, ip)
        case nil:
            throw .gatewayWithoutDestination(field: field)
        }
        let port = try self.port(message.hboneMtlsPort, field: "\(field).hbone_mtls_port")
        // An absent port is 0 on the wire; nothing can listen there, and waypoints and gateways listen on 15008.
        return GatewayReference(destination, hbonePort: port == 0 ? TunnelPorts.inboundHBONE : port)
    }

    static func message(_ gateway: GatewayReference) -> Istio_Workload_GatewayAddress {
        .with {
            switch gateway.destination {
            case .hostname(let key):
                $0.hostname = .with {
                    $0.namespace = key.namespace
                    $0.hostname = key.hostname
                }
            case .address(let network, let ip):
                $0.address = .with {
                    $0.network = network
                    $0.address = bytes(ip)
                }
            }
            $0.hboneMtlsPort = UInt32(gateway.hbonePort)
        }
    }
}
