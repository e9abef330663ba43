import MeshModel

/// Writes the field blocks of one direction of a connection, in their order. Source: RFC 7541.
package struct FieldBlockEncoder: Sendable {
    /// What a field's sender wants of compression tables. Source: RFC 7541 section 6.2.
    package enum Indexing: Hashable, Sendable {
        /// It may come again: into the table.
        case incremental
        /// It will not.
        case without
        /// A secret: into no table, on no hop.
        case never
    }

    /// The block that was begun last.
    package private(set) var block: [UInt8] = []
    private var table: FieldTable
    private let statics = StaticFields.standard
    private let huffman = HuffmanCode.standard
    private let tableBytesMax: Int
    /// The smallest size since the last block, when it changed. Source: RFC 7541 section 4.2.
    private var smallestSize: Int?
    /// Numbers of entries by the hash of the field, and by that of its name; 0: none. An entry whose slot another one
    /// took is not found, and is sent anew.
    private var fieldSlots: [UInt32] = []
    private var nameSlots: [UInt32] = []
    private static let slotCount = 128

    /// - Parameter tableBytesMax: its table is never larger, whatever the peer allows, bytes.
    package init(tableBytesMax: Int) {
        self.tableBytesMax = min(tableBytesMax, 4096)
        // The peer begins with 4,096 bytes; a smaller table is told with the first block.
        table = FieldTable(sizeMax: self.tableBytesMax)
        smallestSize = self.tableBytesMax < 4096 ? self.tableBytesMax : nil
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    package mutating func setTableSize(_ bytes: Int) {
        let size = min(bytes, tableBytesMax)
        guard size != table.sizeMax || smallestSize != nil else { return }
        smallestSize = min(size, smallestSize ?? size)
        table.setSizeMax(size)
    }

    /// A new block, in the memory of the last one.
    package mutating func begin() {
        block.removeAll(keepingCapacity: true)
        guard let smallest = smallestSize else { return }
        smallestSize = nil
        if smallest < table.sizeMax { HPACKInteger.write(smallest, pattern: 0x20, prefixBits: 5, to: &block) }
        HPACKInteger.write(table.sizeMax, pattern: 0x20, prefixBits: 5, to: &block)
    }

    /// Adds a field to the block.
    /// - Parameter name: in lower case.
    package mutating func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>, _ indexing: Indexing) {
        let nameHash = FieldHash.of(name.span)
        var nameIndex = statics.index(of: name.span, hash: nameHash)
        if let first = nameIndex, indexing != .never,
            let index = statics.index(of: name.span, value: value.span, from: first)
        {
            return HPACKInteger.write(index, pattern: 0x80, prefixBits: 7, to: &block)
        }
        let hash = FieldHash.of(value.span, seed: nameHash)
        if indexing == .incremental, let index = found(fieldSlots, hash, name.span, value.span) {
            return HPACKInteger.write(index, pattern: 0x80, prefixBits: 7, to: &block)
        }
        if nameIndex == nil { nameIndex = found(nameSlots, nameHash, name.span, nil) }
        switch indexing {
        case .incremental: HPACKInteger.write(nameIndex ?? 0, pattern: 0x40, prefixBits: 6, to: &block)
        case .without: HPACKInteger.write(nameIndex ?? 0, pattern: 0, prefixBits: 4, to: &block)
        case .never: HPACKInteger.write(nameIndex ?? 0, pattern: 0x10, prefixBits: 4, to: &block)
        }
        if nameIndex == nil { appendString(name, isSentOnce: indexing == .incremental) }
        appendString(value, isSentOnce: indexing == .incremental)
        if indexing == .incremental { keep(name, value, nameHash, hash) }
    }

    /// The index of an entry that a slot leads to and that is what is looked for.
    private func found(_ slots: [UInt32], _ hash: UInt32, _ name: Span<UInt8>, _ value: Span<UInt8>?) -> Int? {
        guard !slots.isEmpty else { return nil }
        let number = Int(slots[Int(hash) & (Self.slotCount - 1)])
        guard number > table.evictedCount else { return nil }
        let index = table.insertedCount - number + 1
        let entry = table[index]
        guard entry.hasName(name, in: table.bytes.span, from: table.base) else { return nil }
        if let value, !entry.hasValue(value, in: table.bytes.span, from: table.base) { return nil }
        return statics.entries.count + index
    }

    private mutating func keep(
        _ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ nameHash: UInt32, _ hash: UInt32
    ) {
        var line = HeaderLines()
        line.append(name: name, value: value)
        table.insert(line.bytes[...], nameCount: name.count)
        guard table.count > 0 else { return }
        if fieldSlots.isEmpty {
            fieldSlots = Array(repeating: 0, count: Self.slotCount)
            nameSlots = Array(repeating: 0, count: Self.slotCount)
        }
        let number = UInt32(truncatingIfNeeded: table.insertedCount)
        fieldSlots[Int(hash) & (Self.slotCount - 1)] = number
        nameSlots[Int(nameHash) & (Self.slotCount - 1)] = number
    }

    /// What goes into the table is sent once, and then worth the work of the Huffman code.
    private mutating func appendString(_ text: ArraySlice<UInt8>, isSentOnce: Bool) {
        if isSentOnce {
            let count = huffman.encodedCount(text)
            if count < text.count {
                HPACKInteger.write(count, pattern: 0x80, prefixBits: 7, to: &block)
                return huffman.encode(text, to: &block)
            }
        }
        HPACKInteger.write(text.count, pattern: 0, prefixBits: 7, to: &block)
        block.append(contentsOf: text)
    }
}
