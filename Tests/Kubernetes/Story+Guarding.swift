import Foundation
import MeshTesting
import Testing

/// Policies, a waypoint, and a canary.
extension Story {
    private static let policies = """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: { name: strict, namespace: shop }
        spec: { mtls: { mode: STRICT } }
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: callers, namespace: shop }
        spec:
          selector: { matchLabels: { app: api } }
          rules:
          - from:
            - source: { principals: [ cluster.local/ns/shop/sa/web, cluster.local/ns/shop/sa/waypoint ] }

        """

    /// Who may call, by identity; nobody without one.
    func guardByIdentity() async throws {
        try await deploy("stranger", labels: "istio.io/dataplane-mode: none")
        try await apply(Self.policies)
        let (web, batch, stranger) = try await (app("web"), app("batch"), app("stranger"))
        let api = try await app("api", node: 3 - batch.node.number)
        for caller in [batch, stranger] {
            try await cluster.until("\(caller.key) is refused", seconds: 20) {
                try await ask(from: caller, api.address, port: Story.http).map(\.status) == [0]
            }
        }
        #expect(try await ask(from: web, api.address, port: Story.http).map(\.status) == [200])
        let refused = "src.identity=\"\(Story.identity("batch"))\""
        try await cluster.until("the reason in the log", seconds: 10) {
            await !connections(refused, "direction=\"inbound\"", "allow policies exist, but none allowed").isEmpty
        }
        let answer = try await apus(batch.node.number, "explain", batch.key, "\(api.address):\(Story.http)")
        #expect(answer.status == 1 && answer.output.contains("shop/callers"), "\(answer)")
        let allowed = try await apus(web.node.number, "explain", web.key, "\(api.address):\(Story.http)")
        #expect(allowed.status == 0, "\(allowed)")
        // A kubelet has no identity, and its probes arrive.
        let (node, url) = (api.node, "http://\(api.address):\(Story.http)/")
        let probe = try await offload { try node.network.runAnyStatus("curl", "-sf", "--max-time", "3", url) }
        #expect(probe.status == 0, "\(probe)")
    }

    /// README: a waypoint for the namespace, and what it does to requests.
    func addWaypoint() async throws {
        let said = try await terminal.type("apus waypoint apply -n shop --enroll-namespace")
        #expect(said.contains("is ready!"), "\(said)")
        let list = try await terminal.type("apus waypoint list -n shop")
        #expect(list.contains("True"), "\(list)")
        try await apply(
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: { name: methods, namespace: shop }
            spec:
              targetRefs: [ { group: "", kind: Service, name: api } ]
              rules: [ { to: [ { operation: { methods: [ GET ] } } ] } ]

            """)
        let (web, api) = try await (app("web"), service("api"))
        try await cluster.until("DELETE is refused", seconds: 20) {
            try await ask(from: web, api, "DELETE").map(\.status) == [403]
        }
        #expect(try await ask(from: web, api).map(\.status) == [200])
        try await cluster.until("both in the waypoint's log", seconds: 10) {
            let log = await cluster.logs("shop/waypoint-")
            return log.contains("\"GET / HTTP/1.1\" 200") && log.contains("\"DELETE / HTTP/1.1\" 403")
        }
        let policy = "/apis/security.istio.io/v1/namespaces/shop/authorizationpolicies/methods"
        let conditions = try await cluster.server.value(policy, "status/conditions")
        #expect(conditions.contains("WaypointAccepted"), "\(conditions)")
    }

    /// One of ten to the new version, and whoever asks for it.
    func shiftTraffic() async throws {
        try await deploy("api-v2")
        try await apply(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: { name: api, namespace: shop }
            spec:
              parentRefs: [ { group: "", kind: Service, name: api } ]
              rules:
              - matches: [ { headers: [ { name: x-canary, value: "yes" } ] } ]
                backendRefs: [ { name: api-v2, port: 80 } ]
              - backendRefs: [ { name: api, port: 80, weight: 90 }, { name: api-v2, port: 80, weight: 10 } ]

            """)
        let (web, api) = try await (app("web"), service("api"))
        try await cluster.until("the route", seconds: 20) {
            try await ask(from: web, api, headers: ["x-canary: yes"]).allSatisfy { $0.body.contains(#""api-v2""#) }
        }
        let asked = try await ask(from: web, api, headers: ["x-canary: yes"], count: 20)
        #expect(asked.allSatisfy { $0.status == 200 && $0.body.contains(#""pod": "api-v2""#) })
        let shared = try await ask(from: web, api, count: 400)
        let new = shared.count { $0.body.contains(#""pod": "api-v2""#) }
        #expect(shared.count == 400 && shared.allSatisfy { $0.status == 200 })
        // Of 400 with probability 0.1: 40, with a standard deviation of 6; outside of 5 of those once in a million.
        #expect((10...70).contains(new), "\(new) of \(shared.count)")
    }
}
