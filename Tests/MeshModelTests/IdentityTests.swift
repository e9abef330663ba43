import MeshModel
import Testing

@Suite("Identities")
struct IdentityTests {
    @Test("a SPIFFE id of Istio's form comes back unchanged")
    func roundTrip() throws {
        let text = "spiffe://cluster.local/ns/shop/sa/web.v1_x-Y"
        let identity = try #require(Identity(text))
        #expect(identity.description == text)
        #expect(identity.principal == "cluster.local/ns/shop/sa/web.v1_x-Y")
        #expect(identity == Identity(namespace: "shop", serviceAccount: "web.v1_x-Y"))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "spiffe://", "cluster.local/ns/a/sa/b", "spiffe://td/ns/a/sa/b/", "spiffe://td/ns/a/sa", "spiffe://td",
            "spiffe://td/ns//sa/b", "spiffe:///ns/a/sa/b", "spiffe://td/ns/a/sa/", "spiffe://td/sa/a/ns/b",
            "spiffe://td/NS/a/sa/b", "SPIFFE://td/ns/a/sa/b", "https://td/ns/a/sa/b", " spiffe://td/ns/a/sa/b",
            "spiffe://td/ns/a/sa/b ", "spiffe://td/ns/a/sa/b%2f", "spiffe://td/ns/../sa/b", "spiffe://td/ns/./sa/b",
            "spiffe://td/ns/a/sa/b\n", "spiffe://td/ns/a/sa/b?x", "spiffe://td/ns/a/sa/b#x", "spiffe://td:80/ns/a/sa/b",
            "spiffe://td/ns/a/sa/\u{e9}", "spiffe://td/ns/a/sa/b\u{301}", "spiffe://td/ns/a/sa/b\u{0}",
            "spiffe://td//ns/a/sa/b", "spiffe://user@td/ns/a/sa/b",
        ])
    func refused(text: String) {
        #expect(Identity(text) == nil)
    }

    @Test("equal means every part equal")
    func equality() {
        let base = Identity(trustDomain: "td", namespace: "a", serviceAccount: "b")
        #expect(base != Identity(trustDomain: "TD", namespace: "a", serviceAccount: "b"))
        #expect(base != Identity(trustDomain: "td", namespace: "b", serviceAccount: "b"))
        #expect(base != Identity(trustDomain: "td", namespace: "a", serviceAccount: "c"))
    }
}
