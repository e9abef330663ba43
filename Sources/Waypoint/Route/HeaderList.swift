package import MeshModel

/// Header fields in their order. All names and values lie in one piece of memory; finding one allocates nothing.
package struct HeaderList: Hashable, Sendable {
    package typealias Field = HeaderLines.Place

    /// The fields as readers and writers have them. Names are in lower case.
    package private(set) var lines = HeaderLines()
    private var bytes: [UInt8] {
        get { lines.bytes }
        _modify { yield &lines.bytes }
    }
    private var fields: [Field] {
        get { lines.places }
        _modify { yield &lines.places }
    }

    package init() {}

    package init(_ lines: consuming HeaderLines) { self.lines = lines }

    /// Takes over bytes in which fields lie already, as a head lies in what was read.
    /// - Parameter fields: places in `bytes`, each of the form that ``HeaderLines/Place`` describes.
    package init(in bytes: consuming [UInt8], fields: consuming [Field]) {
        lines = HeaderLines(in: bytes, places: fields)
    }

    package init(_ pairs: [(String, String)]) {
        for (name, value) in pairs { append(name: name.utf8, value: value.utf8) }
    }

    /// Makes room, so that appending as much allocates no more.
    package mutating func reserveCapacity(fields fieldCount: Int, bytes byteCount: Int) {
        fields.reserveCapacity(fieldCount)
        bytes.reserveCapacity(byteCount)
    }

    package var count: Int { fields.count }

    /// Bytes held, for limits; removed fields count until the list is made anew.
    package var byteCount: Int { bytes.count }

    /// Adds a field behind all others. White space around the value is no part of it (RFC 9110, 5.5).
    package mutating func append(name: some Collection<UInt8>, value: some BidirectionalCollection<UInt8>) {
        appendLine(name, value)
    }

    /// As the other, compiled for these types: generic functions are not specialised for other rooms.
    package mutating func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        // Nearly always as it goes onto the wire.
        let hasBlankEnd = value.first?.isBlank == true || value.last?.isBlank == true
        let isPlain = !hasBlankEnd && !name.contains { $0.lowercased != $0 }
        if isPlain { lines.append(name: name, value: value) } else { appendLine(name, value) }
    }

    private mutating func appendLine(_ name: some Collection<UInt8>, _ value: some BidirectionalCollection<UInt8>) {
        let nameStart = bytes.count
        for byte in name { bytes.append(byte.lowercased) }
        let nameEnd = bytes.count
        bytes.append(UInt8(ascii: ":"))
        bytes.append(UInt8(ascii: " "))
        var first = value.startIndex
        var end = value.endIndex
        while first < end, value[first].isBlank { value.formIndex(after: &first) }
        while first < end, value[value.index(before: end)].isBlank { value.formIndex(before: &end) }
        bytes.append(contentsOf: value[first..<end])
        fields.append(Field(nameStart: nameStart, nameEnd: nameEnd, valueEnd: bytes.count))
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Whether a field has such a name. Unlike looking at each by ``name(at:)``, this counts no references.
    package func hasName(where isWanted: (_ name: Span<UInt8>) -> Bool) -> Bool {
        let bytes = lines.bytes.span
        for place in lines.places where isWanted(bytes.extracting(place.name)) { return true }
        return false
    }

    package func name(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].name] }

    package func value(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].value] }

    /// The whole field as it goes onto the wire, with its CR and LF.
    package func line(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].line] }

    /// The place of the first field of this name at or behind a place.
    /// - Parameter name: in lower case.
    package func index(of name: some Collection<UInt8>, from start: Int = 0) -> Int? { place(of: name, from: start) }

    package func index(of name: ArraySlice<UInt8>, from start: Int = 0) -> Int? { place(of: name, from: start) }

    private func place(of name: some Collection<UInt8>, from start: Int) -> Int? {
        for index in start..<max(start, fields.count) where isNamed(fields[index], name) { return index }
        return nil
    }

    /// The value of the only field of this name, or of several joined by commas; `nil` when there is none.
    /// Allocates only to join.
    /// - Parameter name: in lower case.
    package func joined(_ name: some Collection<UInt8>) -> ArraySlice<UInt8>? { joinedValues(name) }

    package func joined(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { joinedValues(name) }

    private func joinedValues(_ name: some Collection<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = place(of: name, from: 0) else { return nil }
        guard var next = place(of: name, from: first + 1) else { return value(at: first) }
        var joined = Array(value(at: first))
        while true {
            joined.append(UInt8(ascii: ","))
            joined.append(contentsOf: value(at: next))
            guard let following = place(of: name, from: next + 1) else { return joined[...] }
            next = following
        }
    }

    /// As ``joined(_:)``, as text.
    package subscript(_ name: String) -> String? {
        joined(Array(name.lowercased().utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Name and value of every field, as text.
    package var pairs: [(name: String, value: String)] {
        fields.indices.map {
            (String(decoding: name(at: $0), as: UTF8.self), String(decoding: value(at: $0), as: UTF8.self))
        }
    }

    /// Takes out every field of this name.
    package mutating func remove(_ name: HeaderName) {
        guard let first = index(of: name.text.utf8) else { return }
        removeAll(name.text.utf8, from: first)
    }

    /// Takes out every field whose name is not wanted.
    package mutating func removeAll(where isUnwanted: (_ name: ArraySlice<UInt8>) -> Bool) {
        guard let first = fields.indices.first(where: { isUnwanted(name(at: $0)) }) else { return }
        var kept = first
        for index in (first + 1)..<fields.count where !isUnwanted(name(at: index)) {
            fields[kept] = fields[index]
            kept += 1
        }
        fields.removeLast(fields.count - kept)
    }

    /// Leaves exactly one field of this name.
    package mutating func set(_ field: HeaderField) { replace(name: field.name.text.utf8, value: field.value.utf8) }

    /// Leaves exactly one field of this name: where the first stood, or behind all others.
    /// - Parameter name: in lower case.
    package mutating func replace(name: some Collection<UInt8>, value: some BidirectionalCollection<UInt8>) {
        guard let first = index(of: name) else { return append(name: name, value: value) }
        append(name: name, value: value)
        fields[first] = fields.removeLast()
        removeAll(name, from: first + 1)
    }

    private mutating func removeAll(_ name: some Collection<UInt8>, from start: Int) {
        var kept = start
        for index in start..<fields.count where !isNamed(fields[index], name) {
            fields[kept] = fields[index]
            kept += 1
        }
        fields.removeLast(fields.count - kept)
    }

    package mutating func add(_ field: HeaderField) { append(name: field.name.text.utf8, value: field.value.utf8) }

    /// Carries out a modifier of a route.
    package mutating func apply(_ modifier: HeaderModifier?) {
        guard let modifier else { return }
        for field in modifier.set { set(field) }
        for field in modifier.add { add(field) }
        for name in modifier.remove { remove(name) }
    }

    private func isNamed(_ field: Field, _ name: some Collection<UInt8>) -> Bool {
        let range = field.name
        guard range.count == name.count else { return false }
        var place = range.lowerBound
        for byte in name {
            guard bytes[place] == byte else { return false }
            place += 1
        }
        return true
    }
}
