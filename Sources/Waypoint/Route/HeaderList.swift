package import MeshModel

/// Header fields in their order. All names and values lie in one piece of memory; finding one allocates nothing.
package struct HeaderList: Hashable, Sendable {
    private struct Field: Hashable, Sendable {
        var nameStart: Int
        var nameEnd: Int
        var valueStart: Int
        var valueEnd: Int
    }

    /// Names in lower case, each followed by its value.
    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    package init() {}

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
        let nameStart = bytes.count
        for byte in name { bytes.append(byte.lowercased) }
        let valueStart = bytes.count
        var first = value.startIndex
        var end = value.endIndex
        while first < end, value[first].isBlank { value.formIndex(after: &first) }
        while first < end, value[value.index(before: end)].isBlank { value.formIndex(before: &end) }
        bytes.append(contentsOf: value[first..<end])
        fields.append(
            Field(nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart, valueEnd: bytes.count))
    }

    package func name(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].nameStart..<fields[index].nameEnd] }

    package func value(at index: Int) -> ArraySlice<UInt8> { bytes[fields[index].valueStart..<fields[index].valueEnd] }

    /// The place of the first field of this name at or behind a place.
    /// - Parameter name: in lower case.
    package func index(of name: some Collection<UInt8>, from start: Int = 0) -> Int? {
        for index in start..<max(start, fields.count) where isNamed(fields[index], name) { return index }
        return nil
    }

    /// The value of the only field of this name, or of several joined by commas; `nil` when there is none.
    /// Allocates only to join.
    /// - Parameter name: in lower case.
    package func joined(_ name: some Collection<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = index(of: name) else { return nil }
        guard var next = index(of: name, from: first + 1) else { return value(at: first) }
        var joined = Array(value(at: first))
        while true {
            joined.append(UInt8(ascii: ","))
            joined.append(contentsOf: value(at: next))
            guard let following = index(of: name, from: next + 1) else { return joined[...] }
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
        let start = bytes.count
        bytes.append(contentsOf: value)
        fields[first].valueStart = start
        fields[first].valueEnd = bytes.count
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
        guard field.nameEnd - field.nameStart == name.count else { return false }
        var place = field.nameStart
        for byte in name {
            guard bytes[place] == byte else { return false }
            place += 1
        }
        return true
    }

    package static func == (left: HeaderList, right: HeaderList) -> Bool {
        left.count == right.count
            && left.fields.indices.allSatisfy {
                left.name(at: $0) == right.name(at: $0) && left.value(at: $0) == right.value(at: $0)
            }
    }

    package func hash(into hasher: inout Hasher) {
        for index in fields.indices {
            hasher.combine(name(at: index))
            hasher.combine(value(at: index))
        }
    }
}

extension UInt8 {
    /// ASCII letters in lower case, everything else as it is.
    var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    /// Space or tab.
    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
