internal import ControlTranslate
internal import MeshModel

extension WaypointTemplate {
    private static let roots = "/var/run/secrets/istio"
    private static let tokens = "/var/run/secrets/tokens"

    var podSpec: JSONValue {
        let grace = settings.drainSeconds + settings.killSeconds
        return [
            "serviceAccountName": .string(gateway.serviceAccount),
            // It has a token for the control plane alone.
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": JSONValue(grace),
            "securityContext": Self.podSecurity,
            "topologySpreadConstraints": [spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")],
            "containers": [container],
            "volumes": [Self.rootsVolume, Self.tokenVolume],
        ]
    }

    private static let podSecurity: JSONValue = [
        "runAsNonRoot": true, "runAsUser": 1337, "runAsGroup": 1337, "fsGroup": 1337,
        "seccompProfile": ["type": "RuntimeDefault"],
    ]
    private static let containerSecurity: JSONValue = [
        "allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": true,
        "runAsNonRoot": true, "runAsUser": 1337, "runAsGroup": 1337, "capabilities": ["drop": ["ALL"]],
    ]
    private static let rootsVolume: JSONValue = [
        "name": "istiod-ca-cert", "configMap": ["name": "istio-ca-root-cert"],
    ]
    private static let token: JSONValue = [
        "audience": "istio-ca", "expirationSeconds": 43_200, "path": "istio-token",
    ]
    private static let tokenVolume: JSONValue = [
        "name": "istio-token", "projected": ["sources": [["serviceAccountToken": token]]],
    ]
    private static let mounts: JSONValue = [
        ["name": "istiod-ca-cert", "mountPath": .string(roots), "readOnly": true],
        ["name": "istio-token", "mountPath": .string(tokens), "readOnly": true],
    ]
    private static let ports: JSONValue = [
        ["containerPort": 15008, "name": "hbone", "protocol": "TCP"],
        ["containerPort": 15020, "name": "metrics", "protocol": "TCP"],
        ["containerPort": 15021, "name": "status-port", "protocol": "TCP"],
    ]
    private static let resources: JSONValue = [
        "requests": ["cpu": "100m", "memory": "128Mi"], "limits": ["cpu": "2", "memory": "1Gi"],
    ]

    private func spread(_ key: String) -> JSONValue {
        [
            "maxSkew": 1, "topologyKey": .string(key), "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": ["matchLabels": JSONValue(selector)],
        ]
    }

    private static func probe(periodSeconds: Int, failures: Int) -> JSONValue {
        [
            "httpGet": ["path": "/healthz/ready", "port": 15021, "scheme": "HTTP"], "timeoutSeconds": 1,
            "successThreshold": 1, "periodSeconds": JSONValue(periodSeconds), "failureThreshold": JSONValue(failures),
        ]
    }

    private var container: JSONValue {
        [
            // Istio's name, by which overlays reach it.
            "name": "istio-proxy",
            "image": .string(settings.image),
            "ports": Self.ports,
            "env": .array(environment),
            "startupProbe": Self.probe(periodSeconds: 1, failures: 60),
            "readinessProbe": Self.probe(periodSeconds: 5, failures: 2),
            "resources": Self.resources,
            "securityContext": Self.containerSecurity,
            "volumeMounts": Self.mounts,
        ]
    }

    private static func field(_ name: String, _ path: String) -> JSONValue {
        ["name": .string(name), "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": .string(path)]]]
    }

    private static func setting(_ name: String, _ value: String) -> JSONValue {
        ["name": .string(name), "value": .string(value)]
    }

    private var environment: [JSONValue] {
        let fields = [
            ("INSTANCE_IP", "status.podIP"), ("NODE_NAME", "spec.nodeName"), ("POD_NAME", "metadata.name"),
            ("POD_NAMESPACE", "metadata.namespace"), ("SERVICE_ACCOUNT", "spec.serviceAccountName"),
        ]
        var texts = [
            "GATEWAY_NAME": name, "GATEWAY_SERVICE": gateway.serviceName, "TRUST_DOMAIN": settings.trustDomain,
            "CLUSTER_ID": settings.clusterID,
            "XDS_ADDRESS": settings.controlPlane, "CA_ADDRESS": settings.controlPlane,
            "XDS_ROOT_CA": "\(Self.roots)/root-cert.pem", "CA_ROOT_CA": "\(Self.roots)/root-cert.pem",
            "AUTH_TOKEN": "\(Self.tokens)/istio-token", "TERMINATION_DRAIN_DURATION": "\(settings.drainSeconds)s",
        ]
        if !settings.network.isEmpty { texts["NETWORK"] = settings.network }
        texts.merge(settings.moreSettings) { own, _ in own }
        return fields.map { Self.field($0, $1) } + texts.sorted { $0.key < $1.key }.map { Self.setting($0, $1) }
    }
}
