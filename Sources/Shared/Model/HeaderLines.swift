/// Header fields as bytes, in their order and in one piece of memory: what readers of HTTP give and writers take.
/// One that has its own place may be read without making a text of it.
package struct HeaderLines: Hashable, Sendable {
    /// Where a field lies: its name in lower case, a colon, a space, its value without white space around it, CR, LF.
    /// Places are counted in bytes from the beginning; a list has less than 4 GiB.
    package struct Place: Hashable, Sendable {
        package let nameStart: UInt32
        package let nameEnd: UInt32
        package let valueEnd: UInt32
        /// No hop may put the field into a compression table. Source: RFC 7541 section 6.2.3.
        package let isNeverIndexed: Bool

        package init(nameStart: Int, nameEnd: Int, valueEnd: Int, isNeverIndexed: Bool = false) {
            self.nameStart = UInt32(nameStart)
            self.nameEnd = UInt32(nameEnd)
            self.valueEnd = UInt32(valueEnd)
            self.isNeverIndexed = isNeverIndexed
        }

        /// Where the name lies.
        @inlinable package var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }

        /// Where the value lies: a colon and a space behind the name.
        @inlinable package var value: Range<Int> { (Int(nameEnd) + 2)..<Int(valueEnd) }

        /// Where the whole field lies, with its CR and LF.
        @inlinable package var line: Range<Int> { Int(nameStart)..<(Int(valueEnd) + 2) }
    }

    /// Each field as it goes onto the wire of HTTP/1.1; other bytes may lie between.
    package var bytes: [UInt8] = []
    package var places: [Place] = []

    package init() {}

    /// Takes over bytes in which fields lie already.
    package init(in bytes: consuming [UInt8], places: consuming [Place]) {
        self.bytes = bytes
        self.places = places
    }

    /// - Parameter pairs: names in lower case, values without white space around them.
    package init(_ pairs: [(String, String)]) {
        for (name, value) in pairs { append(name: Array(name.utf8)[...], value: Array(value.utf8)[...]) }
    }

    package var isEmpty: Bool { places.isEmpty }

    package func name(at index: Int) -> ArraySlice<UInt8> { bytes[places[index].name] }

    package func value(at index: Int) -> ArraySlice<UInt8> { bytes[places[index].value] }

    /// Adds a field behind all others.
    /// - Parameters:
    ///   - name: in lower case.
    ///   - value: without white space around it.
    package mutating func append(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>, isNeverIndexed: Bool = false) {
        let nameStart = bytes.count
        bytes.append(contentsOf: name)
        let nameEnd = bytes.count
        bytes.append(UInt8(ascii: ":"))
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: value)
        places.append(
            Place(nameStart: nameStart, nameEnd: nameEnd, valueEnd: bytes.count, isNeverIndexed: isNeverIndexed))
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The same names and values in the same order, wherever they lie.
    package static func == (left: HeaderLines, right: HeaderLines) -> Bool {
        left.places.count == right.places.count
            && left.places.indices.allSatisfy {
                left.name(at: $0) == right.name(at: $0) && left.value(at: $0) == right.value(at: $0)
            }
    }

    package func hash(into hasher: inout Hasher) {
        for index in places.indices {
            hasher.combine(name(at: index))
            hasher.combine(value(at: index))
        }
    }
}
