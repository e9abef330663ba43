import MeshModel

/// Says of each Gateway of a waypoint class what becomes of it, and which of them the control plane should run.
struct GatewayJudgement {
    private let settings: TranslateSettings
    private let gateways: WaypointGateways
    private let unready: Set<ServiceKey>
    private let instances: [String: WaypointInstance]
    /// Services that have each waypoint, by the hostname they name it by.
    private var assigned: [String: [String]] = [:]
    /// Addresses of services by their hostname.
    private var addresses: [String: [IPAddress]] = [:]
    private(set) var statuses: [GatewayStatus] = []
    private(set) var wanted: [GatewayResource] = []
    private(set) var findings: [Finding] = []

    /// Names of services that a message lists.
    private static let namesMax = 5

    /// - Parameter unready: services of waypoints that take no traffic.
    init(
        _ settings: TranslateSettings, _ gateways: WaypointGateways, unready: Set<ServiceKey>, services: [Service]
    ) {
        self.unready = unready
        self.settings = settings
        self.gateways = gateways
        instances = Dictionary(settings.waypoints.map { ($0.key, $0) }) { first, _ in first }
        for service in services {
            addresses[service.hostname] = service.virtualAddresses.compactMap(\.exact)
            guard case .hostname(let key)? = service.waypoint?.destination else { continue }
            assigned[key.hostname, default: []].append("\(service.namespace)/\(service.name)")
        }
        for gateway in gateways.written { judge(gateway) }
    }

    private mutating func judge(_ gateway: GatewayResource) {
        let metadata = gateway.metadata
        var status = GatewayStatus(
            namespace: metadata.namespace, name: metadata.name, generation: metadata.generation)
        status.listeners = gateway.listeners.enumerated().map { Self.status($1, at: $0) }
        let isByHand = gateways.withPods.contains(metadata.key)
        guard !gateway.hasAddresses else {
            let message = "spec.addresses is not supported: leave it out, or write the waypoint's pods yourself"
            status.conditions = [
                GatewayCondition(.accepted, false, .unsupportedAddress, message),
                GatewayCondition(.programmed, false, .invalid, message),
            ]
            return finish(status, gateway, message)
        }
        // As Istio has it, what is wrong with the listener does not make the Gateway itself unacceptable.
        status.conditions = [GatewayCondition(.accepted, true, .accepted)]
        guard gateway.listeners.count == 1, gateway.listeners.allSatisfy(\.isTunnel) else {
            let message = "expected exactly one listener, protocol HBONE on port 15008"
            status.conditions.append(GatewayCondition(.programmed, false, .invalid, message))
            return finish(status, gateway, message)
        }
        // What is deployed is recognized by who made it, not by its pods, which are there as well.
        if settings.deploysWaypoints || (settings.runsWaypoints && !isByHand) { wanted.append(gateway) }
        if let problem = settings.waypointProblems[metadata.key] {
            return refuse(status, gateway, problem)
        }
        status.conditions.append(programmed(gateway, isByHand: isByHand))
        if settings.deploysWaypoints || isByHand { status.addresses = addresses[host(gateway)] ?? [] }
        if let instance = instances[metadata.key], let address = instance.address { status.addresses = [address] }
        statuses.append(status)
    }

    private mutating func finish(_ status: GatewayStatus, _ gateway: GatewayResource, _ message: String) {
        statuses.append(status)
        findings.append(
            Finding(
                .error, gateway.metadata.origin, resource: gateway.title,
                "\(message); it has no waypoint, and connections to services that name it are refused"))
    }

    private mutating func refuse(_ start: GatewayStatus, _ gateway: GatewayResource, _ problem: WaypointProblem) {
        var status = start
        if problem.cause == .parameters {
            status.conditions = [GatewayCondition(.accepted, false, .invalidParameters, problem.message)]
        }
        status.conditions.append(GatewayCondition(.programmed, false, .invalid, problem.message))
        statuses.append(status)
        findings.append(
            Finding(.error, gateway.metadata.origin, resource: gateway.title, "its waypoint: \(problem.message)"))
    }

    private func host(_ gateway: GatewayResource) -> String {
        "\(gateway.serviceName).\(gateway.metadata.namespace).svc.\(settings.clusterDomain)"
    }

    private static func status(_ listener: GatewayResource.Listener, at place: Int) -> GatewayListenerStatus {
        let accepted =
            listener.isTunnel
            ? GatewayCondition(.accepted, true, .accepted)
            : GatewayCondition(
                .accepted, false, .unsupportedProtocol,
                "expected protocol HBONE on port 15008, found \(listener.protocolName) on port "
                    + "\(listener.port.map { "\($0)" } ?? "none")")
        return GatewayListenerStatus(name: listener.name.isEmpty ? "\(place)" : listener.name, conditions: [accepted])
    }

    private func programmed(_ gateway: GatewayResource, isByHand: Bool) -> GatewayCondition {
        let host = self.host(gateway)
        guard let instance = instances[gateway.metadata.key], !isByHand else {
            if isByHand {
                let isReady = !unready.contains { $0.namespace == gateway.metadata.namespace && $0.hostname == host }
                return isReady
                    ? GatewayCondition(.programmed, true, .programmed, assignment(host))
                    : GatewayCondition(.programmed, false, .pending, "none of its pods is ready")
            }
            let message =
                settings.runsWaypoints || settings.deploysWaypoints
                ? "the waypoint is about to be started"
                : "this control plane does not run waypoints (setting --waypoints)"
            return GatewayCondition(.programmed, false, .pending, message)
        }
        guard instance.address != nil else {
            return GatewayCondition(.programmed, false, .addressNotAssigned, instance.problem)
        }
        guard instance.isReady else {
            return GatewayCondition(.programmed, false, .pending, instance.problem)
        }
        return GatewayCondition(.programmed, true, .programmed, assignment(host))
    }

    private func assignment(_ hostname: String) -> String {
        let names = (assigned[hostname] ?? []).sorted()
        guard !names.isEmpty else { return "no service is assigned" }
        let listed = names.prefix(Self.namesMax).joined(separator: ", ")
        let more = names.count > Self.namesMax ? " and \(names.count - Self.namesMax) more" : ""
        return "assigned to \(listed)\(more)"
    }
}
