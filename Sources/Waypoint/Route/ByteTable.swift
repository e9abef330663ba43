/// A map from tagged byte strings to numbers. Look-ups take a part of somebody else's bytes and allocate nothing, which
/// a dictionary cannot do. Keys come from routes, never from requests.
struct ByteTable: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        let tag: UInt32
        let start: Int
        let length: Int
        var value: Int
    }

    private var entries: [Entry] = []
    private var keys: [UInt8] = []
    /// Index of an entry plus one; 0 is empty. Its count is a power of two, at least twice the entries.
    private var slots: [Int] = [0, 0, 0, 0]

    var count: Int { entries.count }

    /// The number of a key.
    func value(tag: UInt32, _ bytes: ArraySlice<UInt8>) -> Int? {
        let slot = slots[place(tag: tag, bytes)]
        return slot == 0 ? nil : entries[slot - 1].value
    }

    /// Adds a key, or gives the number it has.
    mutating func insert(tag: UInt32, _ bytes: ArraySlice<UInt8>, _ value: @autoclosure () -> Int) -> Int {
        if let known = self.value(tag: tag, bytes) { return known }
        if (entries.count + 1) * 2 > slots.count { grow() }
        let number = value()
        let slot = place(tag: tag, bytes)
        entries.append(Entry(tag: tag, start: keys.count, length: bytes.count, value: number))
        keys.append(contentsOf: bytes)
        slots[slot] = entries.count
        return number
    }

    private mutating func grow() {
        slots = [Int](repeating: 0, count: slots.count * 2)
        for (index, entry) in entries.enumerated() {
            slots[place(tag: entry.tag, keys[entry.start..<(entry.start + entry.length)])] = index + 1
        }
    }

    /// The slot that holds the key, or the empty one where it would stand.
    private func place(tag: UInt32, _ bytes: ArraySlice<UInt8>) -> Int {
        var slot = Int(truncatingIfNeeded: Self.hash(tag: tag, bytes)) & (slots.count - 1)
        while slots[slot] != 0, !holds(entries[slots[slot] - 1], tag: tag, bytes) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func holds(_ entry: Entry, tag: UInt32, _ bytes: ArraySlice<UInt8>) -> Bool {
        guard entry.tag == tag, entry.length == bytes.count else { return false }
        var place = entry.start
        for byte in bytes {
            guard keys[place] == byte else { return false }
            place += 1
        }
        return true
    }

    /// FNV-1a over the bytes, then mixed: its low bits alone are weak.
    private static func hash(tag: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ (UInt64(tag) &* 0x9e37_79b9_7f4a_7c15)
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 32
        hash = hash &* 0xd6e8_feb8_6659_fd93
        return hash ^ (hash >> 32)
    }
}
