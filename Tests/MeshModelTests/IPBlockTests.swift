import MeshModel
import SeededTesting
import Testing

@Suite("Address blocks")
struct IPBlockTests {
    @Test(
        "host bits are cleared and a bare address is a block of one",
        arguments: [
            ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"),
            ("255.255.255.255/31", "255.255.255.254/31"), ("2001:db8::ff/64", "2001:db8::/64"),
            ("2001:db8:0:ff::/60", "2001:db8:0:f0::/60"), ("::1", "::1/128"), ("ffff::/0", "::/0"),
        ])
    func text(text: String, expected: String) throws {
        let block = try #require(IPBlock(text))
        #expect(block.description == expected)
        #expect(IPBlock(block.description) == block)
    }

    @Test(
        "text that is no block is refused",
        arguments: [
            "", "/", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
            "10.0.0.0/ 8", "::/129", "::/1000", "10.0.0/8", "10.0.0.0/٨", "10.0.0.0/8x", "host/8",
        ])
    func refused(text: String) {
        #expect(IPBlock(text) == nil)
    }

    @Test("a block holds exactly the addresses whose first bits are its own", arguments: [7, 8] as [UInt64])
    func contains(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let isV4 = Bool.random(using: &generator)
            let count = isV4 ? 4 : 16
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let length = Int.random(in: 0...(count * 8), using: &generator)
            var other = bytes
            let bit = Int.random(in: 0..<(count * 8), using: &generator)
            other[bit / 8] ^= 0x80 >> UInt8(bit % 8)

            let address = try #require(IPAddress(bytes: bytes))
            let block = try #require(IPBlock(address, length: length))
            #expect(try block.contains(#require(IPAddress(bytes: bytes))))
            #expect(
                try block.contains(#require(IPAddress(bytes: other))) == (bit >= length), "seed \(seed), bit \(bit)")
        }
    }

    @Test("families never match each other")
    func families() throws {
        let everyV4 = try #require(IPBlock("0.0.0.0/0"))
        let everyV6 = try #require(IPBlock("::/0"))
        #expect(try !everyV4.contains(#require(IPAddress("::1"))))
        #expect(try !everyV6.contains(#require(IPAddress("0.0.0.1"))))
    }

    @Test("a block of IPv4 inside IPv6 becomes an IPv4 block")
    func canonical() throws {
        #expect(try #require(IPBlock("::ffff:10.0.0.0/104")).canonical == IPBlock("10.0.0.0/8"))
        #expect(try #require(IPBlock("::ffff:0:0/96")).canonical == IPBlock("0.0.0.0/0"))
        let wider = try #require(IPBlock("::/0"))
        #expect(wider.canonical == wider)
        let plain = try #require(IPBlock("2001:db8::/100"))
        #expect(plain.canonical == plain)
    }
}
