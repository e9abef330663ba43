import MeshModel
import Testing

@testable import ZtunnelTunnel

@Suite("The PROXY header")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    @Test("IPv4 with an identity, byte by byte")
    func v4() throws {
        let identity = Identity(namespace: "a", serviceAccount: "b")
        let header = ProxyHeader(
            source: try address("10.0.0.1:4660"), destination: try address("10.0.0.2:80"), identity: identity)
        let text = Array("spiffe://cluster.local/ns/a/sa/b".utf8)
        let expected: [UInt8] =
            Self.signature + [0x21, 0x11, 0, UInt8(12 + 3 + text.count), 10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80]
            + [0xd0, 0, UInt8(text.count)] + text
        #expect(header.bytes == expected)
    }

    @Test("without an identity nothing is said of one")
    func anonymous() throws {
        let header = ProxyHeader(source: try address("10.0.0.1:1"), destination: try address("10.0.0.2:2"))
        #expect(header.bytes.count == 28 && Array(header.bytes[14..<16]) == [0, 12])
    }

    @Test("IPv6, and a mixture, which is written as IPv6")
    func v6() throws {
        let six = ProxyHeader(source: try address("[2001:db8::1]:1"), destination: try address("[2001:db8::2]:2"))
        #expect(six.bytes.count == 16 + 36 && six.bytes[13] == 0x21 && Array(six.bytes[14..<16]) == [0, 36])
        #expect(Array(six.bytes[16..<32]) == (try ip("2001:db8::1")).bytes)
        #expect(Array(six.bytes[32...]) == (try ip("2001:db8::2")).bytes + [0, 1, 0, 2])
        let mixed = ProxyHeader(source: try address("10.0.0.1:1"), destination: try address("[2001:db8::2]:2"))
        #expect(mixed.bytes[13] == 0x21)
        #expect(Array(mixed.bytes[16..<32]) == [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 10, 0, 0, 1])
    }

    @Test("an identity longer than a byte counts has its length in two")
    func longIdentity() throws {
        let identity = Identity(namespace: String(repeating: "n", count: 250), serviceAccount: "b")
        let header = ProxyHeader(
            source: try address("10.0.0.1:1"), destination: try address("10.0.0.2:2"), identity: identity)
        let count = identity.description.utf8.count
        #expect(Array(header.bytes[28..<31]) == [0xd0, UInt8(count >> 8), UInt8(count & 0xff)])
        #expect(header.bytes.count == 31 + count)
        #expect(Int(header.bytes[14]) << 8 + Int(header.bytes[15]) == header.bytes.count - 16)
    }
}
