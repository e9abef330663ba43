import DequeModule
import MeshModel

/// The dynamic table of one direction: fields that were sent lately, the newest first. Source: RFC 7541 section 2.3.2.
/// Its memory is at most a few times what its size says.
struct FieldTable: Sendable {
    /// A whole line in some memory, as ``HeaderLines`` has it.
    struct Entry: Sendable {
        /// Counted from the first byte that the memory ever had.
        let start: Int
        let nameCount: Int
        let valueCount: Int

        init(start: Int, nameCount: Int, valueCount: Int) {
            self.start = start
            self.nameCount = nameCount
            self.valueCount = valueCount
        }

        init(_ place: HeaderLines.Place) {
            self.init(
                start: Int(place.nameStart), nameCount: Int(place.nameEnd - place.nameStart),
                valueCount: Int(place.valueEnd - place.nameEnd) - 2)
        }

        /// By which tables and lists are limited. Source: RFC 7541 section 4.1.
        var size: Int { nameCount + valueCount + 32 }

        /// Name, colon, space, value, CR, LF.
        var lineCount: Int { nameCount + valueCount + 4 }

        func hasName(_ name: Span<UInt8>, in bytes: Span<UInt8>, from base: Int = 0) -> Bool {
            name.count == nameCount && name.isSame(as: bytes, from: start - base)
        }

        func hasValue(_ value: Span<UInt8>, in bytes: Span<UInt8>, from base: Int = 0) -> Bool {
            value.count == valueCount && value.isSame(as: bytes, from: start - base + nameCount + 2)
        }
    }

    private(set) var bytes: [UInt8] = []
    /// Bytes that were let go before the first of `bytes`.
    private(set) var base = 0
    /// The oldest first.
    private var entries = Deque<Entry>()
    private var size = 0
    private(set) var sizeMax: Int
    /// Entries that were let go.
    private(set) var evictedCount = 0

    init(sizeMax: Int) { self.sizeMax = sizeMax }

    var count: Int { entries.count }
    /// Entries that ever were: the number of the newest.
    var insertedCount: Int { evictedCount + entries.count }

    /// - Parameter index: 1 is the newest, `count` the oldest.
    subscript(index: Int) -> Entry { entries[entries.count - index] }

    /// Where the line of an entry lies in `bytes`.
    func range(of entry: Entry) -> Range<Int> { (entry.start - base)..<(entry.start - base + entry.lineCount) }

    mutating func setSizeMax(_ bytes: Int) {
        sizeMax = bytes
        evict(to: bytes)
    }

    /// Adds a line. One that is larger than the table empties it, and is not kept. Source: RFC 7541 section 4.4.
    mutating func insert(_ line: ArraySlice<UInt8>, nameCount: Int) {
        let valueCount = line.count - nameCount - 4
        let needed = nameCount + valueCount + 32
        evict(to: max(0, sizeMax - needed))
        guard needed <= sizeMax else { return }
        entries.append(Entry(start: base + bytes.count, nameCount: nameCount, valueCount: valueCount))
        bytes.append(contentsOf: line)
        size += needed
    }

    private mutating func evict(to limit: Int) {
        while size > limit, let oldest = entries.popFirst() {
            size -= oldest.size
            evictedCount += 1
        }
        // Moved rarely: only when more is dead than alive.
        let dead = (entries.first?.start ?? base + bytes.count) - base
        guard dead > 512, dead * 2 > bytes.count else { return }
        bytes.removeSubrange(0..<dead)
        base += dead
    }
}

/// A hash of a few bytes of a text: for tables where a wrong hit costs a look, and a miss costs some compression.
enum FieldHash {
    static func of(_ text: Span<UInt8>, seed: UInt32 = 0x811c_9dc5) -> UInt32 {
        var hash = seed ^ UInt32(truncatingIfNeeded: text.count)
        let headEnd = min(text.count, 8)
        for place in 0..<headEnd { hash = (hash ^ UInt32(text[place])) &* 0x0100_0193 }
        for place in max(headEnd, text.count - 8)..<text.count { hash = (hash ^ UInt32(text[place])) &* 0x0100_0193 }
        return hash ^ (hash >> 15)
    }
}
