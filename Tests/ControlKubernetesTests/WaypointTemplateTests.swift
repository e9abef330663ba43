import ControlSources
import ControlTranslate
import MeshModel
import Testing

@testable import ControlKubernetes

@Suite("Gateways as objects of a cluster")
struct WaypointTemplateTests {
    static let settings = WaypointDeploySettings(
        image: "apus/waypoint:1", controlPlane: "https://apusd.apus-system.svc:15012", rootNamespace: "apus-system",
        trustDomain: "cluster.local", clusterID: "Kubernetes", network: "", drainSeconds: 20,
        moreSettings: ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "GATEWAY_NAME": "mine"])

    static func gateway(_ change: (inout GatewayResource) -> Void = { _ in }) -> GatewayResource {
        var metadata = ResourceMetadata(name: "way", namespace: "shop")
        metadata.uid = "u1"
        metadata.labels = ["istio.io/waypoint-for": "all", "team": "a", "gateway.networking.k8s.io/x": "y"]
        metadata.annotations = ["kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n"]
        var gateway = GatewayResource(metadata: metadata)
        gateway.className = "istio-waypoint"
        gateway.listeners = [GatewayResource.Listener(name: "mesh", port: 15008, protocolName: "HBONE")]
        change(&gateway)
        return gateway
    }

    private func objects(
        _ data: [String: String] = [:], _ change: (inout GatewayResource) -> Void = { _ in }
    ) throws -> [WaypointObject.Part: JSONValue] {
        let overlays = data.isEmpty ? [] : [try WaypointOverlay(origin: "ConfigMap shop/o", data: data)]
        let objects = try WaypointTemplate.objects(Self.gateway(change), Self.settings, overlays)
        return Dictionary(uniqueKeysWithValues: objects.map { ($0.part, $0.value) })
    }

    private func text(_ value: JSONValue?) -> String { String(decoding: value?.json ?? [], as: UTF8.self) }

    private static let labels =
        #""gateway.istio.io/managed":"istio.io-mesh-controller","gateway.networking.k8s.io/gateway-class-name":"#
        + #""istio-waypoint","gateway.networking.k8s.io/gateway-name":"way","istio.io/waypoint-for":"all""#
    private static let owner =
        #""ownerReferences":[{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","name":"way","uid":"u1"}]"#

    @Test("an account, a Service and a Deployment, owned by the Gateway, with its labels")
    func metadata() throws {
        let objects = try objects()
        #expect(Set(objects.keys) == [.serviceAccount, .service, .deployment])
        #expect(
            text(objects[.serviceAccount]) ==
                #"{"metadata":{"annotations":{"note":"n"},"labels":{\#(Self.labels),"team":"a"},\#(Self.owner)}}"#)
        let service =
            #"{"metadata":{"annotations":{"networking.istio.io/traffic-distribution":"PreferClose","note":"n"},"#
            + #""labels":{\#(Self.labels),"team":"a"},\#(Self.owner)},"spec":{"ipFamilyPolicy":"PreferDualStack","#
            + #""ports":[{"appProtocol":"tcp","name":"status-port","port":15021,"protocol":"TCP"},"#
            + #"{"appProtocol":"hbone","name":"mesh","port":15008,"protocol":"TCP"}],"#
            + #""selector":{"gateway.networking.k8s.io/gateway-name":"way"},"type":"ClusterIP"}}"#
        #expect(text(objects[.service]) == service)
    }

    @Test("a Deployment that is rolled without a gap and runs with least rights")
    func deployment() throws {
        let spec = try #require(try objects()[.deployment]?["spec"])
        #expect(spec["replicas"] == nil && spec["minReadySeconds"]?.integer == 5)
        #expect(text(spec["strategy"]?["rollingUpdate"]) == #"{"maxSurge":1,"maxUnavailable":0}"#)
        let template = try #require(spec["template"])
        let labels = template["metadata"]?["labels"]
        #expect(labels?["istio.io/dataplane-mode"]?.text == "none" && labels?["team"]?.text == "a")
        #expect(labels?["gateway.networking.k8s.io/gateway-name"]?.text == "way")
        let pod = try #require(template["spec"])
        #expect(pod["terminationGracePeriodSeconds"]?.integer == 30 && pod["serviceAccountName"]?.text == "way")
        #expect(pod["automountServiceAccountToken"] == false && pod["topologySpreadConstraints"]?.elements?.count == 2)
        #expect(pod["securityContext"]?["seccompProfile"]?["type"]?.text == "RuntimeDefault")
        let token = #"{"audience":"istio-ca","expirationSeconds":43200,"path":"istio-token"}"#
        let volumes = text(pod["volumes"])
        #expect(volumes.contains(#""projected":{"sources":[{"serviceAccountToken":\#(token)}]}"#))
        let container = try #require(pod["containers"]?.elements?.first)
        #expect(container["image"]?.text == "apus/waypoint:1")
        #expect(text(container["securityContext"]?["capabilities"]) == #"{"drop":["ALL"]}"#)
        #expect(container["securityContext"]?["readOnlyRootFilesystem"] == true)
        let probe = #"{"path":"/healthz/ready","port":15021,"scheme":"HTTP"}"#
        #expect(text(container["readinessProbe"]?["httpGet"]) == probe)
        let settings = text(container["env"])
        for part in [
            #"{"name":"GATEWAY_NAME","value":"way"}"#, #"{"name":"TERMINATION_DRAIN_DURATION","value":"20s"}"#,
            #"{"name":"OTEL_EXPORTER_OTLP_ENDPOINT","value":"http://c:4318"}"#,
            #"{"name":"XDS_ADDRESS","value":"https://apusd.apus-system.svc:15012"}"#,
        ] {
            #expect(settings.contains(part), "\(part) in \(settings)")
        }
        let names = (container["env"]?.elements ?? []).compactMap { $0["name"]?.text }
        #expect(WaypointDeploySettings.ownNames.isSuperset(of: Set(names).subtracting(["OTEL_EXPORTER_OTLP_ENDPOINT"])))
    }

    @Test("infrastructure says the labels instead of the Gateway; a named account is not made")
    func infrastructure() throws {
        let objects = try objects { gateway in
            gateway.infrastructure = GatewayResource.Infrastructure(labels: ["cost": "1"], annotations: ["a": "b"])
            gateway.metadata.annotations["gateway.istio.io/service-account"] = "other"
            gateway.metadata.annotations["networking.istio.io/service-type"] = "LoadBalancer"
        }
        #expect(Set(objects.keys) == [.service, .deployment])
        let labels = objects[.service]?["metadata"]?["labels"]
        #expect(labels?["cost"]?.text == "1" && labels?["team"] == nil)
        #expect(labels?["istio.io/waypoint-for"]?.text == "all")
        #expect(objects[.service]?["metadata"]?["annotations"]?["a"]?.text == "b")
        #expect(objects[.service]?["spec"]?["type"]?.text == "LoadBalancer")
        #expect(objects[.deployment]?["spec"]?["template"]?["spec"]?["serviceAccountName"]?.text == "other")
    }

    @Test("Deployment and Service have the name that the Gateway asks for; labels and the account keep the Gateway's")
    func nameOverride() throws {
        let gateway = Self.gateway { $0.metadata.annotations["gateway.istio.io/name-override"] = "edge" }
        let patches = ["horizontalPodAutoscaler": "spec: { maxReplicas: 3 }", "deployment": "metadata: { name: edge }"]
        let overlays = [try WaypointOverlay(origin: "ConfigMap shop/o", data: patches)]
        let objects = try WaypointTemplate.objects(gateway, Self.settings, overlays)
        let names = Dictionary(uniqueKeysWithValues: objects.map { ($0.part, $0.name) })
        #expect(
            names == [
                .serviceAccount: "way", .service: "edge", .deployment: "edge", .horizontalPodAutoscaler: "edge",
            ])
        let values = Dictionary(uniqueKeysWithValues: objects.map { ($0.part, $0.value) })
        let pod = try #require(values[.deployment]?["spec"]?["template"])
        #expect(pod["metadata"]?["labels"]?["gateway.networking.k8s.io/gateway-name"]?.text == "way")
        #expect(pod["metadata"]?["labels"]?["service.istio.io/canonical-name"]?.text == "edge")
        #expect(pod["spec"]?["serviceAccountName"]?.text == "way")
        let settings = text(pod["spec"]?["containers"]?.elements?.first?["env"])
        #expect(settings.contains(#"{"name":"GATEWAY_NAME","value":"way"}"#))
        #expect(settings.contains(#"{"name":"GATEWAY_SERVICE","value":"edge"}"#))
        #expect(values[.horizontalPodAutoscaler]?["spec"]?["scaleTargetRef"]?["name"]?.text == "edge")
        let owner = values[.service]?["metadata"]?["ownerReferences"]?.elements?.first
        #expect(owner?["name"]?.text == "way")
    }

    @Test("overlays are merged by name, and make what is made on demand only")
    func overlays() throws {
        let objects = try objects([
            "deployment": """
            spec:
              replicas: 3
              template:
                spec:
                  containers:
                  - name: istio-proxy
                    resources: {limits: {cpu: "4"}}
                    env: [{name: LOG_FORMAT, value: json}]
                  - name: helper
                    image: h
            """,
            "service": "spec: {ports: [{port: 15021, nodePort: 30021}]}",
            "horizontalPodAutoscaler": "spec: {maxReplicas: 5}",
            "podDisruptionBudget": "spec: {minAvailable: 1}",
        ])
        let spec = objects[.deployment]?["spec"]
        let containers = spec?["template"]?["spec"]?["containers"]?.elements ?? []
        #expect(spec?["replicas"]?.integer == 3)
        #expect(containers.compactMap { $0["name"]?.text } == ["istio-proxy", "helper"])
        #expect(text(containers.first?["resources"]?["limits"]) == #"{"cpu":"4","memory":"1Gi"}"#)
        let settings = text(containers.first?["env"])
        #expect(settings.contains(#"{"name":"LOG_FORMAT","value":"json"}"#))
        let ports = objects[.service]?["spec"]?["ports"]?.elements ?? []
        #expect(ports.count == 2 && ports.first?["nodePort"]?.integer == 30021)
        let scaler = objects[.horizontalPodAutoscaler]?["spec"]
        #expect(scaler?["maxReplicas"]?.integer == 5 && scaler?["scaleTargetRef"]?["name"]?.text == "way")
        #expect(objects[.podDisruptionBudget]?["spec"]?["minAvailable"]?.integer == 1)
    }

    @Test(
        "an overlay that is none of an object, changes whose it is or cannot be read is refused",
        arguments: [
            ["statefulSet": "{}"], ["service": "- a"], ["service": "a: ["], ["service": "metadata: {name: other}"],
            ["deployment": "metadata: {namespace: other}"], ["deployment": "kind: DaemonSet"],
            ["deployment": "metadata: {labels: {gateway.istio.io/managed: me}}"],
            ["deployment": "metadata: {labels: null}"],
            ["deployment": "spec: {template: {spec: {containers: [{image: x}]}}}"],
            ["deployment": "spec: {$unknown: 1}"],
        ])
    func refused(_ data: [String: String]) {
        #expect(throws: WaypointParametersError.self) { _ = try objects(data) }
    }

    @Test("a strategic merge patch does what kubectl does with it")
    func merge() throws {
        let base = try DataTree.yaml(
            """
            spec: {a: 1, b: {c: 2, d: 3}, volumes: [{name: x, v: 1}, {name: y}], args: [p, q], finalizers: [f]}
            """
        ).value
        let cases = [
            (
                "spec: {a: null}",
                "b: {c: 2, d: 3}, volumes: [{name: x, v: 1}, {name: y}], args: [p, q], finalizers: [f]"
            ),
            (
                "spec: {b: {$patch: replace, e: 1}, args: [r]}",
                "a: 1, b: {e: 1}, volumes: [{name: x, v: 1}, {name: y}], args: [r], finalizers: [f]"
            ),
            (
                "spec: {volumes: [{name: y, w: 2}, {name: x, $patch: delete}, {name: z}], finalizers: [f, g]}",
                "a: 1, b: {c: 2, d: 3}, volumes: [{name: y, w: 2}, {name: z}], args: [p, q], finalizers: [f, g]"
            ),
            (
                "spec: {volumes: [{$patch: replace}, {name: z}], b: {$retainKeys: [c], c: 5}}",
                "a: 1, b: {c: 5}, volumes: [{name: z}], args: [p, q], finalizers: [f]"
            ),
        ]
        for (patch, expected) in cases {
            let merged = try StrategicMerge.merged(base, try DataTree.yaml(patch).value)
            #expect(try merged == DataTree.yaml("spec: {\(expected)}").value, "\(patch)")
        }
    }
}
