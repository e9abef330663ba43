import ControlTranslate
import MeshModel
import Testing

/// Conditions as Istio's `pilot/pkg/serviceregistry/ambient` writes them.
@Suite("Whether services go through the waypoint they ask for")
struct BindingStatusTests {
    private func statuses(
        labels: [String: String] = ["istio.io/use-waypoint": "way"], isReady: Bool = true, hasGateway: Bool = true,
        traffic: String? = nil, passesBy: Bool = false
    ) -> [BindingStatus] {
        var gateway = GatewayResource(metadata: Make.metadata("way"))
        gateway.metadata.labels["istio.io/waypoint-for"] = traffic
        gateway.className = "istio-waypoint"
        gateway.listeners = [GatewayResource.Listener(name: "mesh", port: 15008, protocolName: "HBONE")]
        var service = ServiceResource(metadata: Make.metadata("api", labels: labels))
        service.metadata.generation = 3
        var resources = ResourceSet()
        resources.gateways = hasGateway ? [gateway] : []
        resources.services = [service]
        var settings = TranslateSettings()
        settings.runsWaypoints = true
        settings.bypassesUnreadyWaypoints = passesBy
        let instance = WaypointInstance(gateway: gateway, address: IPAddress(v4: 0x0afe_0001), isReady: isReady)
        settings.waypoints = hasGateway ? [instance] : []
        return Translate.translate(resources, settings).bindingStatuses
    }

    @Test("one that is bound names its waypoint; one that asks for none has no status")
    func bound() {
        let status = BindingStatus(
            kind: .service, namespace: "shop", name: "api", generation: 3, reason: .accepted,
            message: "Successfully attached to waypoint shop/way")
        #expect(statuses() == [status] && status.isTrue)
        #expect(statuses(labels: [:]).isEmpty)
        #expect(statuses(labels: ["istio.io/use-waypoint": "none"]).isEmpty)
    }

    @Test("one that is not says why, and what follows")
    func unbound() {
        let refused = "connections to it are refused"
        #expect(statuses(isReady: false).map(\.reason) == [.notReady])
        #expect(statuses(isReady: false).first?.message == #"waypoint "shop/way" is not ready; "# + refused)
        #expect(
            statuses(isReady: false, passesBy: true).first?.message
                == #"waypoint "shop/way" is not ready; it is passed by"#)
        #expect(
            statuses(hasGateway: false).first?.message
                == #"waypoint "shop/way" is not ready: it has no Service; "# + refused)
        let workloads = statuses(traffic: "workload")
        #expect(workloads.map(\.reason) == [.unsupportedTrafficType] && workloads.first?.isTrue == false)
        #expect(
            workloads.first?.message
                == #"attempting to bind to traffic type "service" which the waypoint "shop/way" does not support"#)
    }

    struct Admission: Sendable {
        let admission: NamespaceAdmission
        var labels: [String: String] = [:]
        let isBound: Bool
    }

    @Test("a waypoint of another namespace is used as its listener allows", arguments: [
        Admission(admission: .same, isBound: false),
        Admission(admission: .none, isBound: false),
        Admission(admission: .all, isBound: true),
        Admission(admission: .selector(LabelSelector(labels: ["team": "a"])), isBound: false),
        Admission(admission: .selector(LabelSelector(labels: ["team": "a"])), labels: ["team": "a"], isBound: true),
        Admission(
            admission: .selector(LabelSelector(labels: ["kubernetes.io/metadata.name": "shop"])), isBound: true),
        Admission(admission: .selector(LabelSelector()), isBound: true),
        Admission(admission: expressed("team", .isIn, ["a", "b"]), labels: ["team": "b"], isBound: true),
        Admission(admission: expressed("team", .isIn, ["a", "b"]), isBound: false),
        Admission(admission: expressed("team", .isNotIn, ["a"]), labels: ["team": "a"], isBound: false),
        Admission(admission: expressed("team", .isNotIn, ["a"]), isBound: true),
        Admission(admission: expressed("team", .exists), labels: ["team": ""], isBound: true),
        Admission(admission: expressed("team", .doesNotExist), labels: ["team": ""], isBound: false),
    ])
    func admission(_ row: Admission) {
        var gateway = GatewayResource(metadata: Make.metadata("way"))
        gateway.metadata.namespace = "edge"
        gateway.className = "istio-waypoint"
        gateway.listeners = [
            GatewayResource.Listener(name: "mesh", port: 15008, protocolName: "HBONE", admission: row.admission)
        ]
        let labels = ["istio.io/use-waypoint": "way", "istio.io/use-waypoint-namespace": "edge"]
        let service = ServiceResource(metadata: Make.metadata("api", labels: labels))
        var home = service
        home.metadata.namespace = "edge"
        var resources = ResourceSet()
        resources.gateways = [gateway]
        resources.services = [service, home]
        resources.namespaces = [Make.namespace("shop", labels: row.labels)]
        var settings = TranslateSettings()
        settings.waypoints = [WaypointInstance(gateway: gateway, address: IPAddress(v4: 0x0afe_0001), isReady: true)]
        let world = Translate.translate(resources, settings)
        let statuses = world.bindingStatuses.filter { $0.namespace == "shop" }
        #expect(statuses.map(\.reason) == [row.isBound ? .accepted : .attachmentDenied], "\(row.admission)")
        #expect((world.services.first { $0.namespace == "shop" }?.waypoint != nil) == row.isBound)
        #expect(world.findings.contains { $0.message.contains("does not admit namespace shop") } != row.isBound)
        if !row.isBound {
            let expected = #"we are not permitted to attach to waypoint "edge/way" (missing allowedRoutes?)"#
            #expect(statuses.first?.message == expected)
        }
        // Its own namespace, unless nobody may.
        let own = world.bindingStatuses.first { $0.namespace == "edge" && $0.name == "api" }?.reason
        let isOpen = row.admission == .same || row.admission == .all
        if isOpen { #expect(own == .accepted) }
        if row.admission == .none { #expect(own == .attachmentDenied) }
    }

    private static func expressed(
        _ key: String, _ operation: LabelSelector.Expression.Operation, _ values: Set<String> = []
    ) -> NamespaceAdmission {
        .selector(LabelSelector(expressions: [.init(key: key, operation: operation, values: values)]))
    }
}
