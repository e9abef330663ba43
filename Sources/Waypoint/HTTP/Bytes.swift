internal import MeshModel

extension UInt8 {
    /// A space, a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// Neither in a value of a field nor in a first line: CR, LF, NUL and the other controls; a tab is none.
    var isControl: Bool { (self < 0x20 && self != 0x09) || self == 0x7f }

    /// A byte of a token (RFC 9110 section 5.6.2): one bit for each byte, as names are checked byte by byte.
    var isToken: Bool {
        let bits: UInt64 = self < 64 ? 0x03ff_6cfa_0000_0000 : self < 128 ? 0x57ff_ffff_c7ff_fffe : 0
        return (bits >> UInt64(self & 63)) & 1 == 1
    }

    /// ASCII letters in lower case, everything else as it is.
    var inLowerCase: UInt8 { (0x41...0x5a).contains(self) ? self | 0x20 : self }

    var isDigit: Bool { (0x30...0x39).contains(self) }

    /// The value of a hexadecimal digit.
    var hexadecimal: Int? {
        switch self {
        case 0x30...0x39: Int(self) - 0x30
        case 0x41...0x46: Int(self) - 0x41 + 10
        case 0x61...0x66: Int(self) - 0x61 + 10
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    func isEqual(_ text: String) -> Bool { span.isEqual(text) }

    /// - Parameter text: in lower case.
    func isEqualIgnoringCase(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        return zip(self, text.utf8).allSatisfy { $0.inLowerCase == $1 }
    }

    /// The members of a list (RFC 9110 section 5.6.1), without white space around them; empty ones are none.
    func forEachToken(_ body: (ArraySlice<UInt8>) -> Void) {
        var start = startIndex
        while start < endIndex {
            var end = start
            while end < endIndex, self[end] != UInt8(ascii: ",") { end += 1 }
            let token = self[start..<end].trimmingBlanks
            if !token.isEmpty { body(token) }
            start = end + 1
        }
    }

    var trimmingBlanks: ArraySlice<UInt8> {
        var slice = self
        while slice.first?.isBlank == true { slice.removeFirst() }
        while slice.last?.isBlank == true { slice.removeLast() }
        return slice
    }
}
