/// The first line of an answer, taken apart; the reason is dropped. Source: RFC 9112 section 4.
struct StatusLine {
    let status: UInt16
    /// HTTP/1.1, as against 1.0.
    let isCurrent: Bool

    /// The space behind the status may be missing with the reason: servers leave it out, and nothing hangs on it.
    init(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
        let version = line.prefix(9)
        let rest = line.dropFirst(9)
        guard version.isEqual("HTTP/1.1 ") || version.isEqual("HTTP/1.0 ") else { throw .statusLine }
        let digits = rest.prefix(3)
        guard digits.count == 3, digits.allSatisfy(\.isDigit), digits.first != UInt8(ascii: "0") else {
            throw .statusLine
        }
        guard rest.count == 3 || rest.dropFirst(3).first == 0x20 else { throw .statusLine }
        isCurrent = version.isEqual("HTTP/1.1 ")
        status = digits.reduce(0) { $0 * 10 + UInt16($1) - 0x30 }
    }
}
