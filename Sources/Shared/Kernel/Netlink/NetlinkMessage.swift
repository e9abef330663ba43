import CNetlink

/// One netlink request as bytes, before it has a sequence number. netlink(7). Pure.
struct NetlinkMessage: Hashable, Sendable {
    /// What it asks for, for error texts.
    var label: String
    var type: UInt16
    var flags: UInt16
    /// The family's own header and the attributes.
    var body: [UInt8]

    static let headerBytes = 16

    func encoded(sequence: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + body.count)
        bytes.appendHost(UInt32(Self.headerBytes + body.count))
        bytes.appendHost(type)
        bytes.appendHost(flags)
        bytes.appendHost(sequence)
        bytes.appendHost(UInt32(0))
        bytes += body
        bytes.padToFour()
        return bytes
    }
}

enum NetlinkFlags {
    static let request: UInt16 = 0x1
    static let acknowledge: UInt16 = 0x4
    static let dump: UInt16 = 0x300
    static let replace: UInt16 = 0x100
    static let exclusive: UInt16 = 0x200
    static let create: UInt16 = 0x400
    static let append: UInt16 = 0x800
}

extension [UInt8] {
    /// In the machine's byte order: netlink headers and routing attributes.
    mutating func appendHost<Value: FixedWidthInteger>(_ value: Value) {
        // `bigEndian` is the value itself or its bytes swapped; written in network order it lies as the machine has it.
        appendNetwork(value.bigEndian)
    }

    /// In network byte order: nftables attributes.
    mutating func appendNetwork<Value: FixedWidthInteger>(_ value: Value) {
        for index in (0..<(Value.bitWidth / 8)).reversed() {
            append(UInt8(truncatingIfNeeded: value >> Value(index * 8)))
        }
    }

    mutating func padToFour() {
        while count % 4 != 0 { append(0) }
    }

    static func host<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendHost(value)
        return bytes
    }

    static func network<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendNetwork(value)
        return bytes
    }
}
