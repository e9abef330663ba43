import Foundation
import MeshTesting

/// A directory of resources: a caller, and a service behind a waypoint with policies and routes.
struct ShopFixture {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try put(Self.pods, "resources/pods.yaml")
        try put(Self.services, "resources/services.yaml")
        try put(Self.routes, "resources/below/routes.yaml")
        try put(Self.policies, "resources/policies.yaml")
    }

    var path: String { directory.path }
    var resources: String { "\(path)/resources" }
    var statuses: String { "\(path)/status" }

    func put(_ text: String, _ place: String) throws {
        let file = URL(fileURLWithPath: "\(directory.path)/\(place)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// The condition of a service, a route's parent or a Gateway as apusd writes it.
    func putStatus(_ kind: String, _ name: String, _ lines: String) throws {
        try put("status:\n\(lines)", "status/\(kind)/shop/\(name).yaml")
    }

    private static let pods = """
        apiVersion: v1
        kind: Namespace
        metadata: { name: shop, labels: { istio.io/dataplane-mode: ambient } }
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: web, namespace: shop, labels: { app: web } }
        spec: { nodeName: node1, serviceAccountName: web }
        status: { phase: Running, podIP: 10.80.1.10, conditions: [ { type: Ready, status: "True" } ] }
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: api, namespace: shop, labels: { app: api } }
        spec: { nodeName: node2, serviceAccountName: api }
        status: { phase: Running, podIP: 10.80.2.11, conditions: [ { type: Ready, status: "True" } ] }
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: old, namespace: shop, labels: { app: old, istio.io/dataplane-mode: none } }
        spec: { nodeName: node2, serviceAccountName: old }
        status: { phase: Running, podIP: 10.80.2.12, conditions: [ { type: Ready, status: "True" } ] }

        """

    private static let services = """
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: { name: way, namespace: shop }
        spec:
          gatewayClassName: istio-waypoint
          listeners: [ { name: mesh, port: 15008, protocol: HBONE } ]
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: api, namespace: shop, labels: { istio.io/use-waypoint: way } }
        spec:
          clusterIP: 10.96.0.20
          selector: { app: api }
          ports: [ { name: http, port: 80, targetPort: 7080 }, { name: tcp-bytes, port: 81, targetPort: 7001 } ]
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: empty, namespace: shop }
        spec: { clusterIP: 10.96.0.21, selector: { app: nobody }, ports: [ { name: http, port: 80 } ] }

        """

    private static let routes = """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: { name: api, namespace: shop }
        spec:
          hostnames: [ api.example ]
          parentRefs: [ { group: "", kind: Service, name: api, port: 80 } ]
          rules:
          - name: orders
            matches: [ { path: { type: PathPrefix, value: /orders } } ]
            timeouts: { request: 10s }
            backendRefs: [ { name: api, port: 80, weight: 90 }, { name: empty, port: 80, weight: 10 } ]
          - matches: [ { path: { type: PathPrefix, value: /old } } ]
            filters: [ { type: RequestRedirect, requestRedirect: { hostname: new.example } } ]
          - matches: [ { path: { type: PathPrefix, value: /broken } } ]
            backendRefs: [ { name: nowhere, port: 80 } ]

        """

    private static let policies = """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: no-delete, namespace: shop }
        spec:
          action: DENY
          targetRefs: [ { group: "", kind: Service, name: api } ]
          rules: [ { to: [ { operation: { methods: [ DELETE ] } } ] } ]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: readers, namespace: shop }
        spec:
          targetRefs: [ { group: "", kind: Service, name: api } ]
          rules:
          - from: [ { source: { serviceAccounts: [ web ] } } ]
            to: [ { operation: { notPaths: [ "/private*" ] } } ]
          - when: [ { key: "request.auth.claims[team]", values: [ blue ] } ]
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: only-waypoint, namespace: shop }
        spec:
          selector: { matchLabels: { app: api } }
          rules: [ { from: [ { source: { principals: [ "cluster.local/ns/shop/sa/way" ] } } ] } ]

        """
}
