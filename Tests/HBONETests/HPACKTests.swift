import HBONE
import MeshModel
import NIOCore
import Testing

/// Header compression against the examples of RFC 7541 appendix C, and against blocks that nobody may send.
@Suite struct HPACKTests {
    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    static func decoded(_ decoder: inout FieldBlockDecoder, _ block: [UInt8]) throws(FieldBlockError) -> [String] {
        let section = try decoder.decode(ByteBuffer(bytes: block))
        let lines = section.lines
        return lines.places.indices.map {
            String(decoding: lines.name(at: $0) + [0x3d] + lines.value(at: $0), as: UTF8.self)
        }
    }

    /// What one decoder gets in turn, with the size of its table, and what each block holds.
    static let examples: [(String, Int, [(String, [String])])] = [
        ("C.2.1", 4096, [("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            ["custom-key=custom-header"])]),
        ("C.2.2", 4096, [("040c 2f73 616d 706c 652f 7061 7468", [":path=/sample/path"])]),
        ("C.2.3", 4096, [("1008 7061 7373 776f 7264 0673 6563 7265 74", ["password=secret"])]),
        ("C.2.4", 4096, [("82", [":method=GET"])]),
        ("C.3", 4096, [
            ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", get),
            ("8286 84be 5808 6e6f 2d63 6163 6865", get + ["cache-control=no-cache"]),
            ("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                [":method=GET", ":scheme=https", ":path=/index.html", ":authority=www.example.com",
                    "custom-key=custom-value"]),
        ]),
        ("C.4", 4096, [
            ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", get),
            ("8286 84be 5886 a8eb 1064 9cbf", get + ["cache-control=no-cache"]),
            ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                [":method=GET", ":scheme=https", ":path=/index.html", ":authority=www.example.com",
                    "custom-key=custom-value"]),
        ]),
        ("C.5", 256, [
            ("""
            4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120
            474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d
            """, answer("302", "21")),
            ("4803 3330 37c1 c0bf", answer("307", "21")),
            ("""
            88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
            666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
            3630 303b 2076 6572 7369 6f6e 3d31
            """, answer("200", "22") + more),
        ]),
        ("C.6", 256, [
            ("""
            4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
            63c7 8f0b 97c8 e9ae 82ae 43d3
            """, answer("302", "21")),
            ("4883 640e ffc1 c0bf", answer("307", "21")),
            ("""
            88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
            b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07
            """, answer("200", "22") + more),
        ]),
    ]

    static let get = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"]
    static let more = [
        "content-encoding=gzip", "set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ]
    static func answer(_ status: String, _ seconds: String) -> [String] {
        let fields = [
            ":status=\(status)", "cache-control=private", "date=Mon, 21 Oct 2013 20:13:\(seconds) GMT",
            "location=https://www.example.com",
        ]
        return fields
    }

    @Test("the examples of the standard are read", arguments: examples.indices)
    func standard(_ index: Int) throws {
        let (name, tableBytesMax, blocks) = Self.examples[index]
        var decoder = FieldBlockDecoder(tableBytesMax: tableBytesMax, listBytesMax: 4096)
        for (block, fields) in blocks {
            #expect(try Self.decoded(&decoder, Self.bytes(block)) == fields, "\(name)")
        }
    }

    /// Not C.6: that uses the Huffman code also where it saves nothing.
    @Test func theExamplesOfTheStandardAreWritten() {
        let (name, _, blocks) = Self.examples[5]
        var encoder = FieldBlockEncoder(tableBytesMax: 4096)
        for (block, fields) in blocks {
            encoder.begin()
            for field in fields {
                let parts = field.dropFirst().split(separator: "=", maxSplits: 1)
                let fieldName = Array((field.prefix(1) + parts[0]).utf8)
                encoder.append(name: fieldName[...], value: Array(parts[1].utf8)[...], .incremental)
            }
            #expect(encoder.block == Self.bytes(block), "\(name)")
        }
    }

    @Test func secretsEnterNoTable() throws {
        var encoder = FieldBlockEncoder(tableBytesMax: 4096)
        var decoder = FieldBlockDecoder(listBytesMax: 4096)
        for _ in 0..<2 {
            encoder.begin()
            encoder.append(name: Array("x-key".utf8)[...], value: Array("secret".utf8)[...], .never)
            #expect(encoder.block == [0x10, 5] + Array("x-key".utf8) + [6] + Array("secret".utf8))
            let section = try decoder.decode(ByteBuffer(bytes: encoder.block))
            #expect(section.lines.places.map(\.isNeverIndexed) == [true])
        }
        #expect(throws: FieldBlockError.unknownIndex(62)) { _ = try Self.decoded(&decoder, [0xbe]) }
    }

    @Test func theSmallestSizeIsToldBeforeTheLast() {
        var encoder = FieldBlockEncoder(tableBytesMax: 4096)
        encoder.setTableSize(0)
        encoder.setTableSize(100)
        encoder.begin()
        #expect(encoder.block == [0x20, 0x3f, 0x45])
        encoder.begin()
        #expect(encoder.block.isEmpty)
        encoder.setTableSize(100_000)
        encoder.begin()
        #expect(encoder.block == [0x3f, 0xe1, 0x1f])
    }

    static let hostile: [(String, [UInt8], FieldBlockError)] = [
        ("index 0", [0x80], .unknownIndex(0)),
        ("an index above both tables", [0xbe], .unknownIndex(62)),
        ("a name above both tables", [0x7e, 1, 0x61], .unknownIndex(62)),
        ("an index without its rest", [0xff], .truncated),
        ("an integer without an end", [0xff] + Array(repeating: 0x80, count: 20), .integerTooLarge),
        ("an integer above 2^28", [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .integerTooLarge),
        ("a name without its length", [0x40], .truncated),
        ("a name shorter than it says", [0x40, 9, 0x61], .truncated),
        ("a value shorter than it says", [0x40, 1, 0x61, 0x7f, 0xff, 0x10], .truncated),
        ("a field without a value", [0x41], .truncated),
        ("a table above what was allowed", [0x3f, 0xe2, 0x1f], .tableSize(4097)),
        ("a table's size behind a field", [0x82, 0x20], .tableSizeBehindField),
        ("Huffman: the code of the end", [0x41, 0x84, 0xff, 0xff, 0xff, 0xff], .huffman),
        ("Huffman: 8 bits of padding", [0x41, 0x82, 0x1f, 0xff], .huffman),
        ("Huffman: padding of zeros", [0x41, 0x81, 0x18], .huffman),
        ("Huffman: half a code", [0x41, 0x82, 0xff, 0xf8], .huffman),
    ]

    @Test("what can't be read ends the connection", arguments: hostile.indices)
    func hostileBlocks(_ index: Int) throws {
        let (text, block, error) = Self.hostile[index]
        var decoder = FieldBlockDecoder(listBytesMax: 4096)
        #expect(throws: error, "\(text)") { _ = try Self.decoded(&decoder, block) }
        var peer = try HandPeer(.server)
        let frame = WireFrame(type: WireFrame.headers, flags: 5, stream: 1, payload: block)
        #expect(throws: HTTP2ConnectionError(.headerCompression(error)), "\(text)") { try peer.feed(frame) }
        // COMPRESSION_ERROR. Source: RFC 9113 section 4.3.
        #expect(peer.written().last?.payload.dropFirst(4).prefix(4) == [0, 0, 0, 9])
    }

    @Test func aBombIsNotReadToItsEnd() throws {
        var decoder = FieldBlockDecoder(listBytesMax: 64 << 10)
        let field: [UInt8] = [0x40, 1, 0x61, 0x7f, 0xa1, 0x1e] + Array(repeating: 0x62, count: 4000)
        let block = field + Array(repeating: 0xbe, count: 100_000)
        #expect(throws: FieldBlockError.listTooLarge(bytesMax: 64 << 10)) { _ = try Self.decoded(&decoder, block) }
    }

    @Test func aFieldLargerThanTheTableEmptiesIt() throws {
        var decoder = FieldBlockDecoder(tableBytesMax: 64, listBytesMax: 4096)
        #expect(try Self.decoded(&decoder, [0x40, 1, 0x61, 1, 0x62, 0xbe]) == ["a=b", "a=b"])
        let large: [UInt8] = [0x40, 1, 0x63, 32] + Array(repeating: 0x64, count: 32)
        #expect(try Self.decoded(&decoder, large).count == 1)
        #expect(throws: FieldBlockError.unknownIndex(62)) { _ = try Self.decoded(&decoder, [0xbe]) }
    }
}
