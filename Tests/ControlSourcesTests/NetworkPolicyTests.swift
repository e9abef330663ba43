import ControlSources
import ControlTranslate
import Testing

/// A pod of the mesh, policies that select it, and whether something is said of them.
@Suite("NetworkPolicies that forget HBONE")
struct NetworkPolicyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let specs: [String]
        var pod = ""
        /// `ingress`, `egress`: the directions of which something is said.
        let said: [String]

        init(_ description: String, _ specs: [String], pod: String = "", _ said: [String] = []) {
            testDescription = description
            self.specs = specs
            self.pod = pod
            self.said = said
        }
    }

    static let rows: [Row] = [
        Row("no policy", []),
        Row("another port only", ["ingress: [{ports: [{port: 8080}]}]"], ["ingress"]),
        Row("the port", ["ingress: [{ports: [{port: 8080}, {port: 15008}]}]"]),
        Row("the port for other pods", ["podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: 80}]}]"]),
        Row("a selector by expression", [
            "podSelector: {matchExpressions: [{key: app, operator: Exists}]}, ingress: [{ports: [{port: 80}]}]"
        ], ["ingress"]),
        Row("a range with the port", ["ingress: [{ports: [{port: 15000, endPort: 15100}]}]"]),
        Row("a range without", ["ingress: [{ports: [{port: 14000, endPort: 15007}]}]"], ["ingress"]),
        Row("UDP is no TCP", ["ingress: [{ports: [{port: 80}, {protocol: UDP, port: 15008}]}]"], ["ingress"]),
        Row("every port of TCP", ["ingress: [{ports: [{protocol: TCP}]}]"]),
        Row("no ports are all", ["ingress: [{from: [{podSelector: {}}]}]"]),
        Row("policies add up", ["ingress: [{ports: [{port: 80}]}]", "ingress: [{ports: [{port: 15008}]}]"]),
        Row("two close it", ["ingress: [{ports: [{port: 80}]}]", "ingress: []"], ["ingress"]),
        Row("nothing at all is meant", ["policyTypes: [Ingress, Egress]"]),
        Row("nothing but UDP", ["policyTypes: [Egress], egress: [{ports: [{protocol: UDP, port: 53}]}]"]),
        Row("from outside only", ["ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 443}]}]"]),
        Row("by a name of another port", ["ingress: [{ports: [{port: web}]}]"], ["ingress"]),
        Row("by its name", ["ingress: [{ports: [{port: hbone}]}]"],
            pod: "containers: [{ports: [{name: hbone, containerPort: 15008}]}],"),
        Row("egress without types", ["ingress: [{}], egress: [{ports: [{port: 80}]}]"], ["egress"]),
        Row("egress that is not meant", ["policyTypes: [Ingress], ingress: [{}], egress: [{ports: [{port: 80}]}]"]),
        Row("both", ["ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 80}]}]"], ["egress", "ingress"]),
        Row("a pod on its node's network", ["ingress: [{ports: [{port: 80}]}]"], pod: "hostNetwork: true,"),
    ]

    private func findings(_ row: Row, mode: String = "ambient") -> [Finding] {
        var text = """
            {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web, \
            istio.io/dataplane-mode: \(mode)}}, spec: {\(row.pod) nodeName: a}, status: {podIP: 10.0.0.1}}
            """
        for (index, spec) in row.specs.enumerated() {
            text += """
                \n---
                {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n\(index), namespace: shop}, \
                spec: {\(spec)}}
                """
        }
        let file = ResourceFile.parse(text: text, path: "x")
        return file.findings + Translate.translate(file.resources, TranslateSettings()).findings
    }

    @Test("something is said where pods may connect, and not by HBONE", arguments: rows)
    func table(_ row: Row) {
        let findings = findings(row)
        #expect(findings.map { $0.message.hasSuffix("Add the port to ingress") ? "ingress" : "egress" }.sorted()
            == row.said, "\(findings)")
        #expect(findings.allSatisfy { $0.severity == .warning && $0.resource == "NetworkPolicy shop/n0" })
    }

    @Test("nothing is said of pods outside of the mesh", arguments: rows)
    func outside(_ row: Row) { #expect(findings(row, mode: "none").isEmpty) }
}
