import ControlSources
import MeshModel
import Testing

@testable import ControlTranslate

@Suite("Which rule of traffic holds")
struct TrafficRuleTests {
    private static func rule(
        _ name: String, _ namespace: String, host: String, _ balancing: String, exportTo: String = ""
    ) -> String {
        """
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: \(name), namespace: \(namespace)}
        spec: {host: "\(host)", exportTo: [\(exportTo)], trafficPolicy: {loadBalancer: {simple: \(balancing)}}}
        """
    }

    private static let service = ServiceKey(namespace: "mesh", hostname: "echo.mesh.svc.cluster.local")

    private static func rules(_ documents: [String]) throws -> DestinationRules {
        let file = ResourceFile.parse(text: documents.joined(separator: "\n---\n"), path: "x.yaml")
        #expect(file.findings.isEmpty, "\(file.findings)")
        let resources = ResourceSet.merging([file.resources]).resources
        return DestinationRules(resources.destinationRules, TranslateContext(resources, TranslateSettings()))
    }

    private static func balancing(_ rules: DestinationRules, _ proxy: String?) -> EndpointBalancing? {
        rules.entry(for: service, proxy: proxy)?.policy?.balancing
    }

    @Test("the proxy's namespace, then the service's, then the root")
    func order() throws {
        let root = Self.rule("r", "istio-system", host: "*", "RANDOM")
        let own = Self.rule("s", "mesh", host: "echo", "ROUND_ROBIN")
        let proxy = Self.rule("p", "gates", host: "*.mesh.svc.cluster.local", "PASSTHROUGH")
        #expect(Self.balancing(try Self.rules([root]), "gates") == .random)
        #expect(Self.balancing(try Self.rules([root, own]), "gates") == .roundRobin)
        let all = try Self.rules([root, own, proxy])
        #expect(Self.balancing(all, "gates") == .passthrough)
        #expect(Self.balancing(all, "mesh") == .roundRobin)
        #expect(Self.balancing(all, nil) == .roundRobin)
        #expect(Self.balancing(all, "istio-system") == .roundRobin)
    }

    @Test("in a namespace the most specific host")
    func specificity() throws {
        let rules = try Self.rules([
            Self.rule("a", "mesh", host: "*", "RANDOM"),
            Self.rule("b", "mesh", host: "*.svc.cluster.local", "ROUND_ROBIN"),
            Self.rule("c", "mesh", host: "*.mesh.svc.cluster.local", "PASSTHROUGH"),
            Self.rule("d", "mesh", host: "other", "LEAST_REQUEST"),
        ])
        #expect(Self.balancing(rules, "x") == .passthrough)
        let elsewhere = ServiceKey(namespace: "mesh", hostname: "api.example.com")
        #expect(rules.entry(for: elsewhere, proxy: nil)?.policy?.balancing == .random)
        let exact = try Self.rules([
            Self.rule("a", "mesh", host: "*.mesh.svc.cluster.local", "RANDOM"),
            Self.rule("b", "mesh", host: "echo.mesh.svc.cluster.local", "ROUND_ROBIN"),
        ])
        #expect(Self.balancing(exact, nil) == .roundRobin)
    }

    @Test("a rule holds where it is exported to", arguments: [
        ("", ["gates", "mesh", nil], []), ("'*'", ["gates", "mesh", nil], []), (".", ["mesh"], ["gates", nil]),
        ("gates", ["gates"], ["mesh", nil]), ("'~'", [], ["gates", "mesh", nil]),
    ] as [(String, [String?], [String?])])
    func export(_ exportTo: String, _ sees: [String?], _ blind: [String?]) throws {
        // From the root, so that no namespace owns it.
        let text = Self.rule("r", "istio-system", host: "*", "RANDOM", exportTo: exportTo == "." ? "mesh" : exportTo)
        let rules = try Self.rules([text])
        for proxy in sees { #expect(Self.balancing(rules, proxy) == .random, "\(proxy ?? "any")") }
        for proxy in blind { #expect(Self.balancing(rules, proxy) == nil, "\(proxy ?? "any")") }
    }

    @Test("the root namespace's own proxies heed its private rules first")
    func root() throws {
        let rules = try Self.rules([
            Self.rule("a", "istio-system", host: "*", "RANDOM", exportTo: "."),
            Self.rule("b", "mesh", host: "echo", "ROUND_ROBIN"),
        ])
        #expect(Self.balancing(rules, "istio-system") == .random)
        #expect(Self.balancing(rules, "mesh") == .roundRobin)
    }

    @Test("durations are read as Istio writes them", arguments: [
        ("10s", .seconds(10)), ("1.5s", .milliseconds(1500)), ("500ms", .milliseconds(500)), ("1h30m", .seconds(5400)),
        ("0", .zero), ("0s", .zero), ("7us", .microseconds(7)), ("", nil), ("10", nil), ("s", nil), ("-1s", nil),
        ("1.2.3s", nil), ("1x", nil), ("99999999999h", nil),
    ] as [(String, Duration?)])
    func durations(_ text: String, _ expected: Duration?) {
        let rule = """
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: {name: a, namespace: b}
            spec: {host: c, trafficPolicy: {connectionPool: {http: {idleTimeout: "\(text)"}}}}
            """
        let file = ResourceFile.parse(text: rule, path: "x.yaml")
        #expect(file.resources.destinationRules.first?.policy?.connections.idleTimeout == expected)
        #expect(file.findings.isEmpty == (expected != nil))
    }
}
