/// A pod as a test asks for it: where it runs and what its resource says.
package struct MeshPodPlan: Hashable, Sendable {
    package var name: String
    /// 1 or 2.
    package var node: Int
    /// Last number of both its addresses.
    package var octet: Int
    package var labels: [String: String] = [:]
    package var namespace = "shop"
    /// As its name, unless a test says otherwise.
    package var serviceAccount: String
    package var isReady = true
    package var isServing = true

    package init(_ name: String, node: Int, octet: Int) {
        self.name = name
        self.serviceAccount = name
        self.node = node
        self.octet = octet
    }

    /// Two pods on each node; `api` and `api-2` are the same application.
    package static let standard = [
        MeshPodPlan("web", node: 1, octet: 10), MeshPodPlan("cart", node: 1, octet: 11),
        MeshPodPlan("api", node: 2, octet: 10), MeshPodPlan("batch", node: 2, octet: 11),
    ]

    package var v4: String { "10.80.\(node).\(octet)" }
    package var v6: String { "fd80::\(node):\(octet)" }
    package var key: String { "\(namespace)/\(name)" }
    package var identity: String { "spiffe://cluster.local/ns/\(namespace)/sa/\(serviceAccount)" }

    /// The resource.
    package var yaml: String {
        let texts = labels.merging(["app": name]) { first, _ in first }.sorted { $0.key < $1.key }
        let ready = isReady ? "True" : "False"
        return """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
              namespace: \(namespace)
              uid: test-\(name)
              labels: { \(texts.map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", ")) }
            spec: { nodeName: node\(node), serviceAccountName: \(serviceAccount) }
            status:
              phase: Running
              podIPs: [ { ip: \(v4) }, { ip: "\(v6)" } ]
              conditions: [ { type: Ready, status: "\(ready)" } ]

            """
    }
}

/// A pod that exists.
package struct MeshPod: Sendable {
    package let plan: MeshPodPlan
    package let namespace: TestNamespace
}
