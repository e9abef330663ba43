import ControlTranslate
import MeshModel
import Testing

@Suite("Policies of waypoints")
struct RequestPolicyTests {
    typealias Resource = AuthorizationPolicyResource
    typealias Term = RequestPolicy.Term

    @Test("every field of a source and an operation becomes a term, with its negation")
    func fields() throws {
        var rule = source {
            $0.principals = Make.values(["td/*"], not: ["*/sa/x"])
            $0.requestPrincipals = Make.values(["iss/sub"])
            $0.namespaces = Make.values([], not: ["a*b"])
            $0.trustDomains = Make.values(["td*"])
            $0.ipBlocks = Make.values(["10.0.0.0/8"])
            $0.remoteIPBlocks = Make.values([], not: ["192.0.2.1"])
        }
        rule.to = operation {
            $0.hosts = Make.values(["*.shop"], not: ["admin.shop"])
            $0.ports = Make.values(["80"])
            $0.methods = Make.values(["GET", "HEAD"])
            $0.paths = Make.values(["/a/{*}", "/b*"], not: ["*"])
        }.to
        let (policy, findings) = translate(.allow, [rule])
        #expect(findings.isEmpty)
        let issuer = try #require(RequestPolicy.RequestPrincipalMatch("iss/sub"))
        let wildcard = try #require(RequestPolicy.WildcardMatch("a*b"))
        let ten = try #require(IPBlock("10.0.0.0/8"))
        let client = try #require(IPBlock("192.0.2.1"))
        let template = try #require(PathTemplate("/a/{*}"))
        #expect(
            terms(policy) == [
                [
                    Term(.principals([.prefix("td/")])), Term(.principals([.suffix("/sa/x")]), isNegated: true),
                    Term(.requestPrincipals([issuer])), Term(.namespaces([wildcard]), isNegated: true),
                    Term(.trustDomains([.prefix("td")])), Term(.sourceIPs([ten])),
                    Term(.remoteIPs([client]), isNegated: true),
                ],
                [
                    Term(.hosts([.suffix(".shop")])), Term(.hosts([.exact("admin.shop")]), isNegated: true),
                    Term(.destinationPorts([80])), Term(.methods([.exact("GET"), .exact("HEAD")])),
                    Term(.paths([.template(template), .text(.prefix("/b"))])),
                    Term(.paths([.text(.presence)]), isNegated: true),
                ],
            ])
        #expect(policy?.targets == [.service("web")] && policy?.action == .allow && policy?.isDryRun == false)
    }

    struct Key: Sendable, CustomStringConvertible {
        let description: String
        let value: String
        let test: RequestPolicy.Test?

        init(_ key: String, _ value: String, _ test: RequestPolicy.Test?) {
            (description, self.value, self.test) = (key, value, test)
        }
    }

    @Test(
        "every key of a condition, and keys that are none",
        arguments: [
            Key("connection.sni", "a.*", .serverNames([.prefix("a.")])),
            Key("destination.port", "80", .destinationPorts([80])),
            Key("source.principal", "*", .principals([.presence])),
            Key("source.trustDomain", "td", .trustDomains([.exact("td")])),
            Key("source.serviceAccount", "web", .serviceAccounts([.init(namespace: "shop", serviceAccount: "web")])),
            Key("request.headers[X-Role]", "a*", .header(name: "x-role", [.prefix("a")])),
            Key("request.headers[:authority]", "a", .header(name: ":authority", [.exact("a")])),
            Key("request.auth.audiences", "a", .claim(path: ["aud"], [.exact("a")])),
            Key("request.auth.presenter", "a", .claim(path: ["azp"], [.exact("a")])),
            Key("request.auth.claims[a]", "b", .claim(path: ["a"], [.exact("b")])),
            Key("request.auth.claims[a][b.c]", "*", .claim(path: ["a", "b.c"], [.presence])),
            Key("request.headers", "a", nil), Key("request.headers[]", "a", nil), Key("request.headers[a b]", "a", nil),
            Key("request.headers[a][b]", "a", nil), Key("request.headers[:path]", "/", nil),
            Key("request.auth.claims", "a", nil), Key("request.auth.claims[a]b", "a", nil),
            Key("request.auth.claims[a[b]]", "a", nil), Key("request.auth.claims[a][]", "a", nil),
            Key("request.header[a]", "a", nil), Key("destination.labels", "a", nil), Key("", "a", nil),
            Key("experimental.envoy.filters.network.x[y]", "a", nil), Key("source.trustDomain", "a/b", nil),
            Key("request.auth.principal", "a", nil),
        ])
    func keys(_ key: Key) {
        let rule = condition(key.description, [key.value])
        let negative = condition(key.description, [], not: [key.value])
        if let test = key.test {
            #expect(terms(translate(.allow, [rule]).0) == [[Term(test)]])
            #expect(terms(translate(.deny, [negative]).0) == [[Term(test, isNegated: true)]])
        } else {
            for rule in [rule, negative] {
                #expect(translate(.allow, [rule]).0?.rules == [.never], "an ALLOW rule must allow nothing")
                #expect(translate(.deny, [rule]).0?.rules == [.everything], "a DENY rule must deny")
                #expect(translate(.custom, [rule]).0?.rules == [.everything], "a CUSTOM rule must ask")
                #expect(translate(.allow, [rule]).1.map(\.severity) == [.error])
            }
        }
    }

    @Test(
        "address keys",
        arguments: ["source.ip", "remote.ip", "destination.ip"])
    func addresses(key: String) {
        let (policy, findings) = translate(.allow, [condition(key, ["10.0.0.0/8"])])
        #expect(terms(policy)?.count == 1 && findings.isEmpty)
        #expect(translate(.allow, [condition(key, ["10.0.0.0/33"])]).0?.rules == [.never])
    }

    @Test(
        "values that cannot be read void an ALLOW rule and widen a DENY rule",
        arguments: ["/a/{*}.txt", "/a*b", "", "/{**}/{*}", "/*/{*}"])
    func unreadablePaths(text: String) {
        let rule = operation {
            $0.paths = Make.values(["/fine", text])
            $0.methods = Make.values(["GET"])
        }
        let (allow, findings) = translate(.allow, [rule])
        #expect(allow?.rules == [.never] && findings.map(\.severity) == [.error])
        #expect(terms(translate(.deny, [rule]).0) == [[Term(.methods([.exact("GET")]))]])
    }

    @Test("a problem outside of the rules closes the whole policy")
    func wholePolicy() {
        let fill = { (resource: inout Resource) in
            resource.problems = [FieldProblem(line: 1, field: "spec.x", reason: "is not a known field")]
        }
        let rule = operation { $0.methods = Make.values(["GET"]) }
        #expect(translate(.allow, [rule], fill).0?.rules == [])
        #expect(translate(.deny, [rule], fill).0?.rules == [.everything])
        #expect(translate(.custom, [rule], fill).0?.rules == [.everything])
        #expect(translate(.unknown("deny"), [rule]).0?.rules == [.everything])
        #expect(translate(.unknown("deny"), [rule]).0?.action == .deny)
    }
}
