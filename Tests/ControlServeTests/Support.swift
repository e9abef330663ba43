import ControlAuthority
import ControlServe
import ControlTranslate
import MeshDiscovery
import MeshModel
import MeshWire
import SwiftProtobuf

typealias DeltaRequest = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
typealias DeltaResponse = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

let addressURL = WireCodec.ResourceType.address.url
let policyURL = WireCodec.ResourceType.authorization.url
let routesURL = WireCodec.ResourceType.routes.url
let attachedURL = WireCodec.ResourceType.attachedPolicies.url
let trafficURL = WireCodec.ResourceType.traffic.url

func workload(
    _ name: String, ip: String? = nil, node: String = "", policies: [String] = [], services: [String] = []
) -> Workload {
    var workload = Workload(uid: "Kubernetes//Pod/shop/\(name)", name: name, namespace: "shop")
    workload.addresses = ip.flatMap { IPAddress($0) }.map { [$0] } ?? []
    workload.node = node
    workload.authorizationPolicies = policies
    for service in services { workload.services[ServiceKey(namespace: "shop", hostname: service)] = [] }
    return workload
}

func service(_ hostname: String, vip: String? = nil, block: String? = nil) -> Service {
    var service = Service(name: hostname, namespace: "shop", hostname: hostname)
    if let vip = vip.flatMap({ IPAddress($0) }) { service.virtualAddresses.append(VirtualAddress(vip)) }
    if let block = block.flatMap({ IPBlock($0) }) { service.virtualAddresses.append(VirtualAddress(block)) }
    return service
}

func policy(_ name: String, dryRun: Bool = false) -> AuthorizationPolicy {
    AuthorizationPolicy(
        name: name, namespace: "shop", scope: .workloadSelector, action: .deny, rules: [], isDryRun: dryRun)
}

/// Routes of port 80 of a service; the name of their resource tells tables apart.
func routes(_ hostname: String, by name: String = "r", client: String? = nil) -> AttachedRoutes {
    let target = RouteTarget(service: ServiceKey(namespace: "shop", hostname: hostname), port: 80)
    let rule = TCPRouteRule(origin: RouteOrigin(kind: .tcp, namespace: "shop", name: name), backends: [])
    return AttachedRoutes(RouteTable(target: target, tcp: [rule]), clientNamespace: client)
}

/// A policy of waypoints for service `s`.
func attached(_ name: String, isDryRun: Bool = false) -> AttachedPolicy {
    AttachedPolicy(
        RequestPolicy(name: name, namespace: "shop", action: .deny, rules: [], isDryRun: isDryRun),
        bindings: [.service(ServiceKey(namespace: "shop", hostname: "s"))])
}

/// Rules of traffic to a service; the limit tells them apart.
func traffic(_ hostname: String, requests: UInt32 = 1, proxy: String? = nil) -> TrafficRules {
    var rules = TrafficRules(
        service: ServiceKey(namespace: "shop", hostname: hostname), proxyNamespace: proxy)
    rules.policy.connections.requestsMax = requests
    return rules
}

func desired(
    workloads: [Workload] = [], services: [Service] = [], policies: [AuthorizationPolicy] = [],
    routes: [AttachedRoutes] = []
) -> DesiredWorld {
    var world = DesiredWorld()
    world.routes = routes
    world.workloads = workloads
    world.services = services
    world.policies = policies
    return world
}

func uid(_ name: String) -> String { "Kubernetes//Pod/shop/\(name)" }

extension DeltaResponse {
    var names: [String] { resources.map(\.name).sorted() }
}

func request(
    _ typeURL: String, subscribe: [String] = [], unsubscribe: [String] = [], held: [String: String] = [:],
    nonce: String = "", refusing text: String? = nil
) -> DeltaRequest {
    .with {
        $0.typeURL = typeURL
        $0.resourceNamesSubscribe = subscribe
        $0.resourceNamesUnsubscribe = unsubscribe
        $0.initialResourceVersions = held
        $0.responseNonce = nonce
        if let text { $0.errorDetail.message = text }
    }
}

/// What a client does with responses: keeps the versions it was sent.
struct ModelClient {
    var held: [String: [String: String]] = [
        addressURL: [:], policyURL: [:], routesURL: [:], attachedURL: [:], trafficURL: [:],
    ]

    mutating func apply(_ responses: [DeltaResponse]) {
        for response in responses {
            for name in response.removedResources { held[response.typeURL]?[name] = nil }
            for resource in response.resources { held[response.typeURL]?[resource.name] = resource.version }
        }
    }
}
