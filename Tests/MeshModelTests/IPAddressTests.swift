import MeshModel
import SeededTesting
import Testing

@Suite("IP addresses as text")
struct IPAddressTests {
    /// RFC 5952 section 4 and its examples, RFC 4291 section 2.2.
    @Test(
        "IPv6 text becomes the recommended form",
        arguments: [
            ("2001:0db8::0001", "2001:db8::1"),
            ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:DB8::AAAA", "2001:db8::aaaa"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("1:0:0:0:0:0:0:0", "1::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("::ffff:c000:201", "::ffff:192.0.2.1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("::13.1.68.3", "::d01:4403"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(address.family == .v6)
    }

    @Test(
        "text that is no address is refused",
        arguments: [
            "", " ", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.256",
            "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "0x1.2.3.4", "1.2.3.1000",
            "1.2.3.٤", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8", "12345::", "g::", ":1::", "1:::2", "1:2:", ":1:2:3:4:5:6:7", "::1%eth0", "[::1]",
            "1.2.3.4::", "1.2.3.4::1", "1.2.3.4:1:2:3:4:5:6", "::1.2.3.4:5", "::256.1.1.1", "::1.2.3", "::+1",
            "1:2:3:4:5:6:7:1.2.3.4", "::１", "fe80::1/64", "1.2.3.4/32", "localhost",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("IPv4 text comes back unchanged", arguments: ["0.0.0.0", "255.255.255.255", "10.0.0.1", "169.254.7.127"])
    func dotted(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == text)
        #expect(address.family == .v4)
    }

    @Test("text and bytes of any address come back as the same address", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            // Groups are often zero, so that every gap is met.
            let groups = (0..<8).map { _ in
                Bool.random(using: &generator) ? 0 : UInt64(UInt16.random(in: 0...0xffff, using: &generator))
            }
            let address = IPAddress(
                v6High: groups[..<4].reduce(0) { $0 << 16 | $1 }, low: groups[4...].reduce(0) { $0 << 16 | $1 })
            #expect(IPAddress(address.description) == address, "seed \(seed): \(groups)")
            #expect(IPAddress(bytes: address.bytes) == address)
            let long = groups.map { String($0, radix: 16) }.joined(separator: ":")
            #expect(IPAddress(long) == address, "seed \(seed): \(long)")

            let short = IPAddress(v4: UInt32.random(in: 0 ... .max, using: &generator))
            #expect(IPAddress(short.description) == short)
            #expect(IPAddress(bytes: short.bytes) == short)
        }
    }

    @Test("no text of address characters reads as an address that writes another one", arguments: [4, 5] as [UInt64])
    func noise(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789abf::::...")
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...20, using: &generator)
            let text = String((0..<length).compactMap { _ in alphabet.randomElement(using: &generator) })
            guard let address = IPAddress(text) else { continue }
            #expect(IPAddress(address.description) == address, "seed \(seed): \(text)")
        }
    }

    @Test("an IPv4 address inside IPv6 becomes IPv4, and nothing else does")
    func mapped() throws {
        #expect(try #require(IPAddress("::ffff:10.1.2.3")).canonical == IPAddress("10.1.2.3"))
        for text in ["::10.1.2.3", "::fffe:10.1.2.3", "1::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "10.1.2.3"] {
            let address = try #require(IPAddress(text))
            #expect(address.canonical == address)
        }
    }

    @Test("only 4 or 16 bytes are an address", arguments: [0, 1, 3, 5, 15, 17])
    func byteCounts(count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test("loopback and unspecified addresses are known")
    func special() throws {
        for text in ["127.0.0.1", "127.255.0.9", "::1"] { #expect(try #require(IPAddress(text)).isLoopback) }
        for text in ["128.0.0.1", "::2", "1::1", "::"] { #expect(try !#require(IPAddress(text)).isLoopback) }
        for text in ["0.0.0.0", "::"] { #expect(try #require(IPAddress(text)).isUnspecified) }
    }

    @Test("IPv4 sorts before IPv6, then by value")
    func order() {
        let sorted = ["::1", "10.0.0.2", "1::", "9.9.9.9", "10.0.0.10"].compactMap { IPAddress($0) }.sorted()
        #expect(sorted.map(\.description) == ["9.9.9.9", "10.0.0.2", "10.0.0.10", "::1", "1::"])
    }
}
