package import MeshModel
package import NIOCore

/// A decoded field block: all its fields, pseudo-header fields too, as they came.
package struct FieldSection: Sendable {
    package var lines = HeaderLines()
    /// Size by which header lists are limited. Source: RFC 9113 section 6.5.2.
    package var listBytes = 0
}

/// Reads the field blocks of one direction of a connection, in their order. Source: RFC 7541.
///
/// Memory: its table has at most the size that was allowed, and a section at most `listBytesMax` and what one field of
/// a block may hold.
package struct FieldBlockDecoder: Sendable {
    private var table: FieldTable
    private let statics = StaticFields.standard
    private let huffman = HuffmanCode.standard
    private let tableBytesMax: Int
    private let listBytesMax: Int

    /// - Parameters:
    ///   - tableBytesMax: what the peer was told in SETTINGS_HEADER_TABLE_SIZE, bytes.
    ///   - listBytesMax: a block whose fields are larger is not read to its end, bytes.
    package init(tableBytesMax: Int = 4096, listBytesMax: Int) {
        table = FieldTable(sizeMax: tableBytesMax)
        self.tableBytesMax = tableBytesMax
        self.listBytesMax = listBytesMax
    }

    /// The fields of one whole block. After an error nothing more can be read.
    package mutating func decode(_ block: ByteBuffer) throws(FieldBlockError) -> FieldSection {
        let input = block.readableBytesUInt8Span
        var section = FieldSection()
        section.lines.bytes.reserveCapacity(512)
        section.lines.places.reserveCapacity(16)
        var place = 0
        while place < input.count {
            let first = input[place]
            if first & 0x80 != 0 {
                try appendIndexed(try HPACKInteger.read(input, &place, prefixBits: 7), &section)
            } else if first & 0xe0 == 0x20 {
                guard section.lines.isEmpty else { throw .tableSizeBehindField }
                let bytes = try HPACKInteger.read(input, &place, prefixBits: 5)
                guard bytes <= tableBytesMax else { throw .tableSize(bytes) }
                table.setSizeMax(bytes)
                continue
            } else {
                let isKept = first & 0x40 != 0
                let isNever = !isKept && first & 0x10 != 0
                let index = try HPACKInteger.read(input, &place, prefixBits: isKept ? 6 : 4)
                try appendLiteral(input, &place, nameIndex: index, isNeverIndexed: isNever, &section)
                if isKept { keep(section.lines) }
            }
            guard section.listBytes <= listBytesMax else { throw .listTooLarge(bytesMax: listBytesMax) }
        }
        return section
    }

    private mutating func keep(_ lines: HeaderLines) {
        guard let last = lines.places.last else { return }
        table.insert(lines.bytes[Int(last.nameStart)...], nameCount: Int(last.nameEnd - last.nameStart))
    }

    private func appendIndexed(_ index: Int, _ section: inout FieldSection) throws(FieldBlockError) {
        let start = section.lines.bytes.count
        let entry = try tableEntry(index)
        if index <= statics.entries.count {
            section.lines.bytes.append(contentsOf: statics.bytes[entry.start..<(entry.start + entry.lineCount)])
        } else {
            section.lines.bytes.append(contentsOf: table.bytes[table.range(of: entry)])
        }
        section.listBytes += entry.size
        section.lines.places.append(HeaderLines.Place(
            nameStart: start, nameEnd: start + entry.nameCount, valueEnd: start + entry.lineCount - 2))
    }

    private func appendLiteral(
        _ input: Span<UInt8>, _ place: inout Int, nameIndex: Int, isNeverIndexed: Bool, _ section: inout FieldSection
    ) throws(FieldBlockError) {
        let start = section.lines.bytes.count
        if nameIndex == 0 {
            try appendString(input, &place, &section.lines.bytes)
        } else {
            let entry = try tableEntry(nameIndex)
            if nameIndex <= statics.entries.count {
                section.lines.bytes.append(contentsOf: statics.bytes[entry.start..<(entry.start + entry.nameCount)])
            } else {
                let name = table.range(of: entry).prefix(entry.nameCount)
                section.lines.bytes.append(contentsOf: table.bytes[name])
            }
        }
        let nameEnd = section.lines.bytes.count
        section.lines.bytes.append(UInt8(ascii: ":"))
        section.lines.bytes.append(UInt8(ascii: " "))
        try appendString(input, &place, &section.lines.bytes)
        let valueEnd = section.lines.bytes.count
        section.lines.bytes.append(UInt8(ascii: "\r"))
        section.lines.bytes.append(UInt8(ascii: "\n"))
        section.listBytes += valueEnd - start - 2 + 32
        section.lines.places.append(HeaderLines.Place(
            nameStart: start, nameEnd: nameEnd, valueEnd: valueEnd, isNeverIndexed: isNeverIndexed))
    }

    private func tableEntry(_ index: Int) throws(FieldBlockError) -> FieldTable.Entry {
        if index > 0, index <= statics.entries.count { return statics.entries[index - 1] }
        let index = index - statics.entries.count
        guard index > 0, index <= table.count else { throw .unknownIndex(index + statics.entries.count) }
        return table[index]
    }

    private func appendString(
        _ input: Span<UInt8>, _ place: inout Int, _ output: inout [UInt8]
    ) throws(FieldBlockError) {
        guard place < input.count else { throw .truncated }
        let isHuffman = input[place] & 0x80 != 0
        let count = try HPACKInteger.read(input, &place, prefixBits: 7)
        guard count <= input.count - place else { throw .truncated }
        let text = input.extracting(place..<(place + count))
        place += count
        guard !isHuffman else { return try huffman.decode(text, to: &output) }
        output.append(addingCapacity: count) { (bytes: inout OutputSpan<UInt8>) in
            for index in text.indices { bytes.append(text[index]) }
        }
    }
}
