import MeshModel

/// The fields that both ends know from the beginning. Source: RFC 7541 appendix A.
struct StaticFields: Sendable {
    static let standard = StaticFields()

    /// Whole lines, as ``HeaderLines`` has them.
    let bytes: [UInt8]
    /// The first is that of index 1.
    let entries: [FieldTable.Entry]
    /// Places of the first field of a name by the hash of it, each followed by those that collide; 0: none.
    private let slots: [UInt8]

    private init() {
        let lines = HeaderLines(Self.fields)
        bytes = lines.bytes
        entries = lines.places.map(FieldTable.Entry.init)
        var slots = Array(repeating: UInt8(0), count: 256)
        for index in entries.indices {
            let name = lines.name(at: index)
            if index > 0, name == lines.name(at: index - 1) { continue }
            var slot = Int(FieldHash.of(name.span) & 0xff)
            while slots[slot] != 0 { slot = (slot + 1) & 0xff }
            slots[slot] = UInt8(index + 1)
        }
        self.slots = slots
    }

    /// The index of the first field of a name, 1 to 61.
    func index(of name: Span<UInt8>, hash: UInt32) -> Int? {
        var slot = Int(hash & 0xff)
        while slots[slot] != 0 {
            let index = Int(slots[slot])
            if entries[index - 1].hasName(name, in: bytes.span) { return index }
            slot = (slot + 1) & 0xff
        }
        return nil
    }

    /// The index of a field among those of its name, of which `first` is the first.
    func index(of name: Span<UInt8>, value: Span<UInt8>, from first: Int) -> Int? {
        var index = first
        while index <= entries.count, entries[index - 1].hasName(name, in: bytes.span) {
            if entries[index - 1].hasValue(value, in: bytes.span) { return index }
            index += 1
        }
        return nil
    }

    private static let fields: [(String, String)] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
        (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
        (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
        ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
        ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
        ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
        ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
        ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
        ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
        ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ]
}
