import ControlTranslate
import MeshModel
import Testing

@Suite("Gateways of waypoints")
struct GatewayStatusTests {
    private static let tunnel = GatewayResource.Listener(name: "mesh", port: 15008, protocolName: "HBONE")

    private func gateway(_ listeners: [GatewayResource.Listener]) -> GatewayResource {
        var gateway = GatewayResource(metadata: ResourceMetadata(name: "way", namespace: "shop"))
        gateway.className = "istio-waypoint"
        gateway.listeners = listeners
        return gateway
    }

    private func resources(_ gateway: GatewayResource) -> ResourceSet {
        var resources = ResourceSet()
        resources.gateways = [gateway]
        var service = ServiceResource(
            metadata: ResourceMetadata(name: "api", namespace: "shop", labels: ["istio.io/use-waypoint": "way"]))
        service.ports = [ServiceResource.Port(port: 80)]
        resources.services = [service]
        return resources
    }

    private func translated(
        _ gateway: GatewayResource, _ change: (inout TranslateSettings) -> Void = { _ in }
    ) -> DesiredWorld {
        var settings = TranslateSettings()
        settings.runsWaypoints = true
        change(&settings)
        return Translate.translate(resources(gateway), settings)
    }

    @Test("one that was not started is wanted and pending; services that name it go on naming it")
    func pending() throws {
        let world = translated(gateway([Self.tunnel]))
        #expect(world.wantedWaypoints.map(\.metadata.key) == ["shop/way"])
        let status = try #require(world.gatewayStatuses.first)
        #expect(status.conditions.map(\.reason) == [.accepted, .pending])
        let api = try #require(world.services.first { $0.name == "api" })
        #expect(api.waypoint != nil)
        let refused = "waypoint shop/way is not ready; connections to it are refused"
        #expect(world.findings.contains { $0.message == refused })
    }

    @Test("one whose Service has another name is named by its Gateway and reached by that Service")
    func nameOverride() throws {
        var own = gateway([Self.tunnel])
        own.metadata.annotations["gateway.istio.io/name-override"] = "edge"
        let address = try #require(IPAddress("10.254.0.1"))
        let world = translated(own) {
            $0.waypoints = [WaypointInstance(gateway: own, address: address, isReady: true, problem: "")]
        }
        let hostname = "edge.shop.svc.cluster.local"
        let api = try #require(world.services.first { $0.name == "api" })
        #expect(api.waypoint == GatewayReference(.hostname(ServiceKey(namespace: "shop", hostname: hostname))))
        let service = try #require(world.services.first { $0.hostname == hostname })
        #expect(!world.services.contains { $0.name == "way" })
        #expect(world.workloads.contains { $0.services[service.key] != nil })
        let status = try #require(world.gatewayStatuses.first)
        #expect(status.conditions.last?.reason == .programmed)
        #expect(status.conditions.last?.message == "assigned to shop/api")
        #expect(!world.findings.contains { $0.message.contains("is not ready") })
    }

    @Test("one that is proven is programmed, says its address and whom it is assigned to, and is healthy")
    func ready() throws {
        let address = try #require(IPAddress("10.254.0.1"))
        for isReady in [false, true] {
            let world = translated(gateway([Self.tunnel])) { settings in
                let own = gateway([Self.tunnel])
                settings.waypoints = [
                    WaypointInstance(gateway: own, address: address, isReady: isReady, problem: "wait")
                ]
            }
            let status = try #require(world.gatewayStatuses.first)
            #expect(status.addresses == [address])
            #expect(
                status.conditions.last
                    == (isReady
                        ? GatewayCondition(.programmed, true, .programmed, "assigned to shop/api")
                        : GatewayCondition(.programmed, false, .pending, "wait")))
            let pod = try #require(world.workloads.first { $0.name == "way-0" })
            #expect(pod.status == (isReady ? .healthy : .unhealthy))
            #expect(pod.tunnel == .hbone && pod.serviceAccount == "way")
            #expect(world.waypoints.map(\.serviceAccount) == ["way"])
        }
    }

    @Test("one that leaves stays in the world until it has left")
    func leaving() throws {
        var settings = TranslateSettings()
        settings.runsWaypoints = true
        let address = try #require(IPAddress("10.254.0.1"))
        settings.waypoints = [WaypointInstance(gateway: gateway([Self.tunnel]), address: address, isReady: true)]
        let world = Translate.translate(ResourceSet(), settings)
        #expect(world.gatewayStatuses.isEmpty && world.wantedWaypoints.isEmpty)
        #expect(world.services.map(\.name) == ["way"])
        #expect(world.workloads.map(\.name) == ["way-0"])
    }

    @Test("another listener than the one of a waypoint is refused with conditions, and nothing is started")
    func listeners() throws {
        let wrong = GatewayResource.Listener(name: "web", port: 80, protocolName: "HTTP")
        for listeners in [[], [wrong], [Self.tunnel, wrong]] {
            let world = translated(gateway(listeners))
            let status = try #require(world.gatewayStatuses.first)
            #expect(status.conditions.map(\.reason) == [.accepted, .invalid])
            #expect(world.wantedWaypoints.isEmpty)
            let refused = status.listeners.filter { $0.conditions.contains { !$0.isTrue } }
            #expect(refused.map(\.name) == (listeners.contains(wrong) ? ["web"] : []))
        }
    }

    @Test("a waypoint that is not ready is passed by only where that was asked for")
    func bypass() throws {
        let world = translated(gateway([Self.tunnel])) { $0.bypassesUnreadyWaypoints = true }
        #expect(world.services.first { $0.name == "api" }?.waypoint == nil)
    }

    @Test("a Gateway whose pods somebody wrote is left to them")
    func byHand() throws {
        var written = resources(gateway([Self.tunnel]))
        var pod = PodResource(
            metadata: ResourceMetadata(
                name: "mine", namespace: "shop", labels: ["gateway.networking.k8s.io/gateway-name": "way"]))
        pod.addresses = [try #require(IPAddress("10.0.0.9"))]
        written.pods = [pod]
        var settings = TranslateSettings()
        settings.runsWaypoints = true
        let world = Translate.translate(written, settings)
        #expect(world.wantedWaypoints.isEmpty)
        #expect(world.gatewayStatuses.first?.conditions.last?.isTrue == true)
    }

    @Test("one that becomes pods is wanted though it has some, has its Service's address, and says what keeps it")
    func deployed() throws {
        var written = resources(gateway([Self.tunnel]))
        var pod = PodResource(
            metadata: ResourceMetadata(
                name: "way-1", namespace: "shop", labels: ["gateway.networking.k8s.io/gateway-name": "way"]))
        pod.addresses = [try #require(IPAddress("10.0.0.9"))]
        written.pods = [pod]
        var service = ServiceResource(metadata: ResourceMetadata(name: "way", namespace: "shop"))
        let address = try #require(IPAddress("10.96.0.7"))
        service.virtualAddresses = [address]
        service.ports = [ServiceResource.Port(name: "mesh", port: 15008)]
        written.services.append(service)
        var settings = TranslateSettings()
        settings.deploysWaypoints = true
        let world = Translate.translate(written, settings)
        #expect(world.wantedWaypoints.map(\.metadata.key) == ["shop/way"])
        let status = try #require(world.gatewayStatuses.first)
        #expect(status.addresses == [address] && status.conditions.map(\.reason) == [.accepted, .programmed])
        for (cause, reasons) in [
            (WaypointProblem.Cause.parameters, [GatewayCondition.Reason.invalidParameters, .invalid]),
            (.objects, [.accepted, .invalid]),
        ] {
            settings.waypointProblems = ["shop/way": WaypointProblem(cause, "no")]
            let status = try #require(Translate.translate(written, settings).gatewayStatuses.first)
            #expect(status.conditions.map(\.reason) == reasons)
        }
    }
}
