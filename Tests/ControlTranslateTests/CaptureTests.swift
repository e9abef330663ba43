import ControlTranslate
import MeshModel
import Testing

@Suite struct CaptureTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let pod: String?
        let namespace: String?
        let captured: Bool
        var testDescription: String { "pod \(pod ?? "-"), namespace \(namespace ?? "-")" }
    }

    @Test(
        "the pod's label decides before its namespace's",
        arguments: [
            Row(pod: nil, namespace: nil, captured: false), Row(pod: nil, namespace: "ambient", captured: true),
            Row(pod: nil, namespace: "none", captured: false), Row(pod: "ambient", namespace: nil, captured: true),
            Row(pod: "ambient", namespace: "none", captured: true),
            Row(pod: "none", namespace: "ambient", captured: false),
            Row(pod: "strange", namespace: "ambient", captured: true),
            Row(pod: "strange", namespace: nil, captured: false),
        ])
    func labels(_ row: Row) {
        let world = Make.world { resources, _ in
            let labels = row.namespace.map { ["istio.io/dataplane-mode": $0] } ?? [:]
            resources.namespaces = [Make.namespace("shop", labels: labels)]
            resources.pods = [Make.pod("web", labels: row.pod.map { ["istio.io/dataplane-mode": $0] } ?? [:])]
        }
        #expect(world.intents["node-a"]?.map(\.captured) == [row.captured])
    }

    @Test("a pod is reached by HBONE only once a node has proven it, and on its host's network never")
    func proof() {
        let world = Make.world { resources, settings in
            resources.namespaces = [Make.namespace("shop", labels: ["istio.io/dataplane-mode": "ambient"])]
            var host = Make.pod("host", ip: IPAddress(v4: 3))
            host.hostNetwork = true
            let said = ["ambient.istio.io/redirection": "enabled"]
            resources.pods = [
                Make.pod("proven", ip: IPAddress(v4: 1)), Make.pod("wanted", ip: IPAddress(v4: 2), annotations: said),
                host,
            ]
            settings.proven = [
                PodKey(namespace: "shop", name: "proven"), PodKey(namespace: "shop", name: "host"),
            ]
        }
        let tunnels = Dictionary(uniqueKeysWithValues: world.workloads.map { ($0.name, $0.tunnel) })
        #expect(tunnels == ["proven": .hbone, "wanted": .none, "host": .none])
        #expect(world.intents["node-a"]?.map(\.pod.name) == ["proven", "wanted"])
    }

    @Test("the annotation of istio-cni is proof where the settings say so")
    func annotation() {
        let world = Make.world { resources, settings in
            resources.pods = [Make.pod("web", annotations: ["ambient.istio.io/redirection": "enabled"])]
            settings.trustsRedirectionAnnotation = true
        }
        #expect(world.workloads.first?.tunnel == .hbone)
    }

    @Test("excluded namespaces, sidecars and the node's own proxy are left alone, whatever the labels say")
    func exclusions() {
        let ask = ["istio.io/dataplane-mode": "ambient"]
        let world = Make.world { resources, settings in
            settings.rootNamespace = "apus-system"
            resources.pods = [
                Make.pod("dns", "kube-system", ip: IPAddress(v4: 1), labels: ask),
                Make.pod("car", ip: IPAddress(v4: 2), labels: ask, annotations: ["sidecar.istio.io/status": ""]),
                Make.pod("zt", "apus-system", ip: IPAddress(v4: 3), labels: ask.merging(["app": "ztunnel"]) { $1 }),
                Make.pod("mine", ip: IPAddress(v4: 4), labels: ask.merging(["app": "ztunnel"]) { $1 }),
            ]
        }
        let captured = world.intents["node-a"]?.filter(\.captured).map(\.pod.name)
        #expect(captured == ["mine"])
    }

    @Test("namespaces with something to capture are told to every node, and each pod's uid to its own")
    func capturedNamespaces() {
        let ambient = ["istio.io/dataplane-mode": "ambient"]
        let world = Make.world { resources, _ in
            resources.namespaces = [
                Make.namespace("shop", labels: ambient), Make.namespace("kube-system", labels: ambient),
                Make.namespace("plain", labels: [:]),
            ]
            var mirror = Make.pod("etcd", "plain", ip: IPAddress(v4: 1))
            mirror.metadata.uid = "of-api"
            mirror.metadata.annotations = ["kubernetes.io/config.mirror": "of-kubelet"]
            var own = Make.pod("web", "alone", ip: IPAddress(v4: 2), labels: ambient)
            own.metadata.uid = "u-1"
            resources.pods = [mirror, own, Make.pod("web", "plain", ip: IPAddress(v4: 3))]
        }
        #expect(world.capturedNamespaces == ["shop", "alone"])
        #expect(world.intents["node-a"]?.map(\.uid) == ["u-1", "of-kubelet", ""])
    }
}
