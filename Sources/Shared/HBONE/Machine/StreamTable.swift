/// Streams by number: open addressing in two flat arrays, so that the lookup of each DATA frame is a few compares.
/// A slot is valid until the next insert or remove.
struct StreamTable {
    /// Stream numbers; 0 marks an empty slot (stream 0 is the connection and never stored).
    private var keys: [UInt32]
    private var records: [StreamRecord]
    private(set) var count = 0

    private static let empty = StreamRecord(
        phase: .over, sendWindowBytes: 0, receiveWindowBytes: 0, windowTargetBytes: 0)

    init() {
        keys = Array(repeating: 0, count: 16)
        records = Array(repeating: Self.empty, count: 16)
    }

    private var mask: Int { keys.count - 1 }

    // Numbers of one side ascend by two, so neighbours fill neighbouring slots. A peer that picks colliding numbers
    // makes a lookup as long as the table, which the limit on streams keeps to a few hundred compares.
    private func home(_ key: UInt32) -> Int { Int(key >> 1) & mask }

    func slot(of stream: HTTP2StreamID) -> Int? {
        var slot = home(stream.value)
        while keys[slot] != 0 {
            if keys[slot] == stream.value { return slot }
            slot = (slot + 1) & mask
        }
        return nil
    }

    subscript(slot: Int) -> StreamRecord {
        get { records[slot] }
        _modify { yield &records[slot] }
    }

    mutating func insert(_ stream: HTTP2StreamID, _ record: StreamRecord) {
        precondition(stream.value != 0)
        if (count + 1) * 2 > keys.count { grow() }
        place(stream.value, record)
        count += 1
    }

    mutating func remove(at removed: Int) {
        precondition(keys[removed] != 0)
        count -= 1
        var hole = removed
        var slot = removed
        while true {
            slot = (slot + 1) & mask
            guard keys[slot] != 0 else { break }
            // A key may fill the hole unless its home lies behind the hole on its way here.
            let distance = (slot - home(keys[slot])) & mask
            if distance >= (slot - hole) & mask {
                keys[hole] = keys[slot]
                records[hole] = records[slot]
                hole = slot
            }
        }
        keys[hole] = 0
        records[hole] = Self.empty
    }

    /// Numbers of the streams held, in no order.
    var streams: [HTTP2StreamID] { keys.compactMap { $0 == 0 ? nil : HTTP2StreamID($0) } }

    /// Calls `body` for each record; for work that concerns all streams, such as a changed initial window.
    mutating func updateEach<E: Error>(_ body: (inout StreamRecord) throws(E) -> Void) throws(E) {
        for slot in keys.indices where keys[slot] != 0 { try body(&records[slot]) }
    }

    private mutating func place(_ key: UInt32, _ record: StreamRecord) {
        var slot = home(key)
        while keys[slot] != 0 {
            precondition(keys[slot] != key)
            slot = (slot + 1) & mask
        }
        keys[slot] = key
        records[slot] = record
    }

    private mutating func grow() {
        let (oldKeys, oldRecords) = (keys, records)
        keys = Array(repeating: 0, count: oldKeys.count * 2)
        records = Array(repeating: Self.empty, count: oldKeys.count * 2)
        for slot in oldKeys.indices where oldKeys[slot] != 0 { place(oldKeys[slot], oldRecords[slot]) }
    }
}

/// The last streams we reset: frames that crossed our RST_STREAM on the wire are dropped without a word.
struct ResetMemory {
    private var ring: [UInt32] = []
    private var next = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    mutating func remember(_ stream: HTTP2StreamID) {
        if ring.count < capacity {
            ring.append(stream.value)
        } else {
            ring[next] = stream.value
            next = (next + 1) % capacity
        }
    }

    func contains(_ stream: HTTP2StreamID) -> Bool { ring.contains(stream.value) }
}
