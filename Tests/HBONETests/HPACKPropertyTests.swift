import HBONE
import MeshModel
import NIOCore
import NIOHPACK
import SeededTesting
import Testing

/// What is written is read as it was meant, by ours and by another's; and another's is read by ours.
@Suite struct HPACKPropertyTests {
    private struct Maker: SeededMaker {
        var generator: SeededGenerator

        mutating func text(_ most: Int, _ alphabet: [UInt8]) -> String {
            String(decoding: list(most) { $0.pick(alphabet, or: 0x61) }, as: UTF8.self)
        }

        mutating func field() -> (String, String) {
            let names = [":path", ":status", "cookie", "x-request-id", "via", "x-a", "x-b", "x-c"]
            let name = chance(1, of: 6) ? "x-" + text(30, Array(0x61...0x7a)) : pick(names, or: "x")
            let usual = ["/", "200", "302", "no-cache", ""]
            let bytes: [UInt8] = chance(1, of: 2) ? Array(0x21...0x7e) : Array(0x30...0x33)
            return (name, chance(1, of: 3) ? pick(usual, or: "") : text(chance(1, of: 9) ? 900 : 12, bytes))
        }
    }

    private static func pairs(_ lines: HeaderLines) -> [[String]] {
        lines.places.indices.map {
            [String(decoding: lines.name(at: $0), as: UTF8.self), String(decoding: lines.value(at: $0), as: UTF8.self)]
        }
    }

    @Test("blocks of one connection are read as they were written", arguments: UInt64(1)...40)
    func identity(_ seed: UInt64) throws {
        var maker = Maker(generator: SeededGenerator(seed: seed))
        var encoder = FieldBlockEncoder(tableBytesMax: Int.random(in: 0...5000, using: &maker.generator))
        var decoder = FieldBlockDecoder(listBytesMax: 1 << 20)
        var foreign = HPACKDecoder(allocator: ByteBufferAllocator())
        foreign.maxHeaderListSize = 1 << 20
        for round in 0..<60 {
            if maker.chance(1, of: 10) { encoder.setTableSize(Int.random(in: 0...5000, using: &maker.generator)) }
            let fields = maker.list(12) { $0.field() }
            let indexing = fields.map { _ in
                maker.pick([FieldBlockEncoder.Indexing.incremental, .incremental, .without, .never], or: .never)
            }
            encoder.begin()
            for ((name, value), indexing) in zip(fields, indexing) {
                encoder.append(name: Array(name.utf8)[...], value: Array(value.utf8)[...], indexing)
            }
            let section = try decoder.decode(ByteBuffer(bytes: encoder.block))
            let expected = fields.map { [$0.0, $0.1] }
            #expect(Self.pairs(section.lines) == expected, "seed \(seed), round \(round)")
            #expect(section.lines.places.map(\.isNeverIndexed) == indexing.map { $0 == .never })
            #expect(section.listBytes == fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 })
            var block = ByteBuffer(bytes: encoder.block)
            let read = try foreign.decodeHeaders(from: &block)
            #expect(read.map { [$0.name, $0.value] } == expected, "seed \(seed), round \(round)")
        }
    }

    @Test("another's blocks are read", arguments: UInt64(1)...20)
    func foreign(_ seed: UInt64) throws {
        var maker = Maker(generator: SeededGenerator(seed: seed))
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator(), useHuffmanEncoding: seed % 2 == 0)
        var decoder = FieldBlockDecoder(listBytesMax: 1 << 20)
        for round in 0..<60 {
            let fields = maker.list(12) { $0.field() }
            var block = ByteBuffer()
            try encoder.encode(headers: HPACKHeaders(fields), to: &block)
            let section = try decoder.decode(block)
            #expect(Self.pairs(section.lines) == fields.map { [$0.0, $0.1] }, "seed \(seed), round \(round)")
        }
    }

    @Test("every string survives the Huffman code, and hostile ones end in an error or in bytes")
    func huffman() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<3_000 {
            var decoder = FieldBlockDecoder(listBytesMax: 1 << 20)
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if let section = try? decoder.decode(ByteBuffer(bytes: [0x41, 0x80 | UInt8(count)] + bytes)) {
                // 5 bits make a byte at most.
                #expect(section.lines.value(at: 0).count <= count * 8 / 5)
            }
        }
        for byte in UInt8.min ... .max {
            var encoder = FieldBlockEncoder(tableBytesMax: 4096)
            var decoder = FieldBlockDecoder(listBytesMax: 1 << 20)
            let value = Array(repeating: UInt8(ascii: "a"), count: 60) + [byte] + Array(repeating: 0x30, count: 60)
            encoder.begin()
            encoder.append(name: Array("x".utf8)[...], value: value[...], .incremental)
            #expect(encoder.block.count < value.count)
            let section = try decoder.decode(ByteBuffer(bytes: encoder.block))
            #expect(Array(section.lines.value(at: 0)) == value)
        }
    }

    @Test("random blocks end in an error or in fields that lie where they are said to")
    func randomBlocks() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            var decoder = FieldBlockDecoder(listBytesMax: 4096)
            for _ in 0..<3 {
                let count = Int.random(in: 0...30, using: &random)
                let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
                guard let section = try? decoder.decode(ByteBuffer(bytes: bytes)) else { break }
                #expect(section.listBytes <= 4096)
                for place in section.lines.places {
                    #expect(section.lines.bytes[place.line].suffix(2) == [0x0d, 0x0a])
                    #expect(section.lines.bytes[place.nameEnd.asPlace..<place.value.lowerBound] == [0x3a, 0x20])
                }
            }
        }
    }
}

extension UInt32 {
    fileprivate var asPlace: Int { Int(self) }
}
