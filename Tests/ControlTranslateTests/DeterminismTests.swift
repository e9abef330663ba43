import ControlTranslate
import MeshModel
import Testing

@Suite struct DeterminismTests {
    /// Ten thousand pods in 20 namespaces, a thousand services and hundreds of policies.
    static func large(pods: Int, services: Int) -> ResourceSet {
        var resources = ResourceSet()
        let namespaces = 20
        for index in 0..<namespaces {
            resources.namespaces.append(
                Make.namespace("ns-\(index)", labels: ["istio.io/dataplane-mode": "ambient"]))
        }
        for index in 0..<services {
            let namespace = "ns-\(index % namespaces)"
            var service = ServiceResource(metadata: Make.metadata("svc-\(index)", namespace))
            service.virtualAddresses = [IPAddress(v4: 0x0b00_0000 + UInt32(index))]
            // Every selector shares a pair with all others, so that filing under the wrong pair would be slow.
            service.selector = ["app": "app-\(index)", "a-team": "all"]
            service.ports = [ServiceResource.Port(name: "http", port: 80, targetPort: .name("http"))]
            resources.services.append(service)
            if index % 5 == 0 {
                var rule = AuthorizationPolicyResource.Rule()
                var source = AuthorizationPolicyResource.Source()
                source.namespaces = Make.values([namespace])
                rule.from = [source]
                var policy = Make.policy(.allow, [rule], namespace: namespace, selector: ["app": "app-\(index)"])
                policy.metadata.name = "policy-\(index)"
                resources.authorizationPolicies.append(policy)
            }
        }
        for index in 0..<pods {
            let app = index % services
            var pod = Make.pod(
                "pod-\(index)", "ns-\(app % namespaces)", ip: IPAddress(v4: 0x0a00_0000 + UInt32(index)),
                labels: [
                    "app": "app-\(app)", "a-team": "all", "version": "v1", "pod-template-hash": "5d9f",
                    "app.kubernetes.io/name": "app-\(app)",
                ], node: "node-\(index % 100)")
            pod.namedPorts = [PodResource.NamedPort(name: "http", port: 8080)]
            resources.pods.append(pod)
        }
        return resources
    }

    @Test("the order of resources does not change the world")
    func order() {
        let resources = Self.large(pods: 300, services: 30)
        var reversed = resources
        reversed.pods.reverse()
        reversed.services.reverse()
        reversed.namespaces.reverse()
        reversed.authorizationPolicies.reverse()
        let settings = TranslateSettings()
        #expect(Translate.translate(resources, settings) == Translate.translate(reversed, settings))
    }

    @Test("ten thousand pods and a thousand services are translated in a moment")
    func scale() {
        let resources = Self.large(pods: 10_000, services: 1_000)
        var world = DesiredWorld()
        let time = ContinuousClock().measure {
            world = Translate.translate(resources, TranslateSettings())
        }
        #expect(world.workloads.count == 10_000 && world.services.count == 1_000)
        #expect(world.workloads.allSatisfy { $0.services.count == 1 })
        #expect(world.findings.isEmpty)
        print("translated 10,000 pods and 1,000 services in \(time)")
        // Far above what it takes, far below what trying each selector on each pod takes without optimisation.
        #expect(time < .seconds(15))
    }

    @Test("the first of two resources with one name stays, and the second's place is told")
    func duplicates() {
        var first = ResourceSet()
        var second = ResourceSet()
        var pod = Make.pod("web", ip: IPAddress(v4: 1))
        pod.metadata.origin = ResourceOrigin(file: "a.yaml", line: 3)
        first.pods = [pod]
        pod.addresses = [IPAddress(v4: 2)]
        pod.metadata.origin = ResourceOrigin(file: "b.yaml", line: 7)
        second.pods = [pod]
        let (merged, findings) = ResourceSet.merging([first, second])
        #expect(merged.pods.map(\.addresses) == [[IPAddress(v4: 1)]])
        #expect(findings.map(\.origin.description) == ["b.yaml:7"])
        #expect(findings.first?.message.contains("a.yaml:3") == true)
    }
}
