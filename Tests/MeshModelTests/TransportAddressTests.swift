import MeshModel
import Testing

@Suite("Addresses with ports")
struct TransportAddressTests {
    @Test("text comes back unchanged", arguments: ["1.2.3.4:80", "[2001:db8::1]:65535", "[::]:1", "0.0.0.0:15008"])
    func roundTrip(text: String) throws {
        #expect(try #require(TransportAddress(text)).description == text)
    }

    @Test(
        "text that is no address and port is refused",
        arguments: [
            "", ":", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:080000", "1.2.3.4:+80",
            "1.2.3.4:-1", "1.2.3.4: 80", "1.2.3.4:80 ", "1.2.3.4:8٠", "[1.2.3.4]:80", "::1:80", "[::1]", "[::1]80",
            "[::1]:", "[]:80", "[[::1]]:80", "[::1:80", "::1]:80", "host:80", "[fe80::1%eth0]:80",
        ])
    func refused(text: String) {
        #expect(TransportAddress(text) == nil)
    }

    @Test("a host is taken as it is, its brackets removed")
    func hostPort() throws {
        let name = try #require(HostPort("reviews.shop.svc.cluster.local:9080"))
        #expect(name.host == "reviews.shop.svc.cluster.local")
        #expect(name.port == 9080)
        #expect(try #require(HostPort("[::1]:80")).host == "::1")
        for text in ["a:b:80", "[a:80", "a]:80", "[]:80", ":80", "a:", "a", "[[a]]:80", "a:99999"] {
            #expect(HostPort(text) == nil, "\(text)")
        }
    }

    @Test("the canonical form of an address of a dual-stack socket is IPv4 with the same port")
    func canonical() throws {
        let address = try #require(TransportAddress("[::ffff:10.0.0.1]:80"))
        #expect(address.canonical == TransportAddress("10.0.0.1:80"))
    }
}
