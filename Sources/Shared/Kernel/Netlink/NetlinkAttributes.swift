/// Writes attributes: length, type, payload, padding to four bytes. netlink(7). Pure.
struct AttributeWriter {
    private(set) var bytes: [UInt8] = []

    private static let nestedFlag: UInt16 = 0x8000

    mutating func add(_ type: some RawRepresentable<UInt32>, _ payload: [UInt8]) {
        add(number: UInt16(truncatingIfNeeded: type.rawValue), payload)
    }

    mutating func add(_ type: some RawRepresentable<UInt32>, text: String) {
        add(type, Array(text.utf8) + [0])
    }

    /// 32 bits in network byte order.
    mutating func add(_ type: some RawRepresentable<UInt32>, network value: UInt32) {
        add(type, .network(value))
    }

    mutating func addNested(_ type: some RawRepresentable<UInt32>, _ body: (inout AttributeWriter) -> Void) {
        var inner = AttributeWriter()
        body(&inner)
        add(number: UInt16(truncatingIfNeeded: type.rawValue) | Self.nestedFlag, inner.bytes)
    }

    mutating func add(number: UInt16, _ payload: [UInt8]) {
        precondition(payload.count <= Int(UInt16.max) - 4, "an attribute's length has 16 bits")
        bytes.appendHost(UInt16(4 + payload.count))
        bytes.appendHost(number)
        bytes += payload
        bytes.padToFour()
    }
}

/// Attributes read from the kernel, by type; the last of a type wins, as in the kernel. Pure.
struct AttributeTable {
    /// In the order of the message, for lists whose elements all have one type.
    private(set) var elements: [(type: UInt16, payload: [UInt8])] = []

    /// `nil` when a length points outside.
    init?(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)[...]
        while rest.count >= 4 {
            let length = Int(rest.hostInteger(at: 0, as: UInt16.self))
            let type = rest.hostInteger(at: 2, as: UInt16.self) & 0x3fff
            guard length >= 4, length <= rest.count else { return nil }
            let start = rest.startIndex
            elements.append((type, Array(rest[(start + 4)..<(start + length)])))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        // Fewer than four bytes cannot be an attribute; padding is cut off by the length of the message.
        guard rest.isEmpty else { return nil }
    }

    subscript(_ type: some RawRepresentable<UInt32>) -> [UInt8]? {
        self[number: UInt16(truncatingIfNeeded: type.rawValue)]
    }

    subscript(number number: UInt16) -> [UInt8]? {
        elements.last { $0.type == number }?.payload
    }

    func network(_ type: some RawRepresentable<UInt32>) -> UInt32? {
        guard let bytes = self[type], bytes.count == 4 else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    func host(number: UInt16) -> UInt32? {
        guard let bytes = self[number: number], bytes.count == 4 else { return nil }
        return bytes[...].hostInteger(at: 0, as: UInt32.self)
    }

    func text(_ type: some RawRepresentable<UInt32>) -> String? {
        guard let bytes = self[type] else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    func nested(_ type: some RawRepresentable<UInt32>) -> AttributeTable? {
        guard let bytes = self[type] else { return nil }
        return AttributeTable(bytes)
    }
}

extension ArraySlice<UInt8> {
    /// In the machine's byte order; the bytes must be there.
    func hostInteger<Value: FixedWidthInteger>(at offset: Int, as: Value.Type) -> Value {
        var value: Value = 0
        for index in 0..<(Value.bitWidth / 8) {
            value = value << 8 | Value(truncatingIfNeeded: self[startIndex + offset + index])
        }
        return Value(bigEndian: value)
    }
}
