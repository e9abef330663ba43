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
}
