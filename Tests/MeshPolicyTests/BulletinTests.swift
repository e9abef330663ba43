import MeshModel
import MeshPolicy
import Testing

/// Holes that meshes had in their policies, one test each, named by the bulletin that closed it.
@Suite("Security bulletins")
struct BulletinTests {
    private func path(_ written: String) throws -> RequestPolicy.Test {
        .paths([try #require(RequestPolicy.PathMatch(written))])
    }

    @Test("ISTIO-SECURITY-2019-001: L4 rules are enforced on ports that carry no HTTP")
    func plainConnections() {
        let plain = Asked.with { $0.isPlain = true }
        #expect(plain.isDenied(by: .principals([.presence])))
        #expect(!plain.isAllowed(by: .destinationPorts([81])))
        #expect(plain.isAllowed(by: .destinationPorts([80])))
    }

    @Test("ISTIO-SECURITY-2019-003: patterns take time in proportion to the text, whatever is in them")
    func linearTime() throws {
        let long = String(repeating: "a", count: 200_000)
        let asked = Asked.with {
            $0.path = "/" + long + "b"
            $0.headers = [("x", long)]
        }
        #expect(asked.holds(.header(name: "x", [.suffix("(a+)+$"), .prefix("(a+)+b")])) == false)
        #expect(try asked.holds(path("/{*}/{*}/{**}")) == false)
        #expect(try asked.holds(path("/{**}/b")) == false)
    }

    @Test("ISTIO-SECURITY-2019-007: white space around a header value changes nothing")
    func whiteSpace() {
        for value in ["admin", " admin", "admin\t ", "\t admin \t"] {
            #expect(Asked.with { $0.headers = [("x", value)] }.isDenied(by: .header(name: "x", [.exact("admin")])))
        }
    }

    @Test("ISTIO-SECURITY-2020-001: a query or a fragment does not get a path around an exact match")
    func queryAndFragment() throws {
        for suffix in ["", "?", "?a=b", "#", "#x", "?a#b", "#a?b"] {
            let asked = Asked.with { $0.path = "/admin" + suffix }
            #expect(try asked.isDenied(by: path("/admin")), "\(suffix)")
            #expect(try !asked.isAllowed(by: path("/admin"), not: true), "\(suffix)")
        }
    }

    @Test("ISTIO-SECURITY-2020-002: header fields are never taken for attributes of the connection")
    func magicHeaders() {
        let names = [
            "x-forwarded-client-cert", "x-forwarded-for", "x-real-ip", "forwarded", "x-istio-attributes", "baggage",
        ]
        let asked = Asked.with { asked in
            asked.identity = nil
            asked.headers = names.map { ($0, "spiffe://cluster.local/ns/shop/sa/web;192.0.2.7") }
        }
        #expect(!asked.isAllowed(by: .principals([.presence])))
        #expect(!asked.isAllowed(by: .remoteIPs([IPBlock(IPAddress(v4: 0xc000_0207))])))
    }

    @Test("ISTIO-SECURITY-2020-008: a wildcard host is a plain suffix of the whole name, never a pattern of labels")
    func wildcards() {
        #expect(Asked.with { $0.authority = "b.c.a.com" }.holds(.hosts([.suffix(".a.com")])) == true)
        #expect(Asked.with { $0.authority = "xa.com" }.holds(.hosts([.suffix(".a.com")])) == false)
        #expect(Asked.with { $0.authority = "a.com" }.holds(.hosts([.suffix(".a.com")])) == false)
    }

    @Test("ISTIO-SECURITY-2020-009: prefix and suffix principals deny on connections without HTTP")
    func partialPrincipals() {
        for match in [Text.suffix("/ns/shop/sa/web"), .prefix("cluster.local/ns/shop/")] {
            #expect(Asked.with { $0.isPlain = true }.isDenied(by: .principals([match])))
            #expect(Asked().isDenied(by: .principals([match])))
        }
    }

    @Test("ISTIO-SECURITY-2020-010: every line of a header is looked at, not only the first")
    func repeatedHeaders() {
        let asked = Asked.with { $0.headers = [("x", "good"), ("X", "bad")] }
        #expect(asked.isDenied(by: .header(name: "x", [.exact("bad")])))
        #expect(asked.isDenied(by: .header(name: "x", [.exact("good")])))
        #expect(!asked.isAllowed(by: .header(name: "x", [.exact("good")])))
        #expect(!asked.isAllowed(by: .header(name: "x", [.exact("bad")]), not: true))
    }

    @Test("ISTIO-SECURITY-2021-004: plain text satisfies no policy that is meant for identities")
    func plainText() throws {
        let asked = Asked.with { $0.identity = nil }
        let any = try #require(RequestPolicy.WildcardMatch("*"))
        #expect(!asked.isAllowed(by: .principals([.presence])))
        #expect(!asked.isAllowed(by: .namespaces([any])))
        #expect(!asked.isAllowed(by: .trustDomains([.presence])))
        #expect(asked.isDenied(by: .principals([.presence]), not: true))
    }

    @Test("ISTIO-SECURITY-2021-005: policy sees the path that is forwarded and decodes nothing again")
    func pathConfusion() throws {
        // The path on the left is what the next hop gets, after Istio's MeshConfig.pathNormalization.
        let rows = [
            ("/some%2fdata/abc", "/some/data/abc", false), ("/some/data/abc", "/some/data/abc", true),
            ("/some//data///abc", "/some/data/abc", false), ("/%252e", "/%2e", false), ("/a%2Fb", "/a%2fb", false),
        ]
        for (forwarded, written, holds) in rows {
            #expect(try Asked.with { $0.path = forwarded }.holds(path(written)) == holds, "\(forwarded)")
        }
    }

    @Test("ISTIO-SECURITY-2021-008: a fragment in the path does not change the match (CVE-2021-39156)")
    func fragment() throws {
        #expect(try Asked.with { $0.path = "/user/profile#section1" }.isDenied(by: path("/user/profile")))
    }

    @Test("ISTIO-SECURITY-2021-008: the case of the host does not change the match (CVE-2021-39155)")
    func hostCase() {
        for host in ["httpbin.foo", "HTTPBIN.FOO", "Httpbin.Foo"] {
            #expect(Asked.with { $0.authority = host }.isDenied(by: .hosts([.exact("httpbin.foo")])))
            #expect(!Asked.with { $0.authority = host }.isAllowed(by: .hosts([.exact("httpbin.foo")]), not: true))
        }
    }
}
