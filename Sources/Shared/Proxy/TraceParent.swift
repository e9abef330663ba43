/// A random W3C trace context for one proxied connection, so that the logs of both nodes can be joined.
/// Source: W3C Trace Context, section 3.2.
package struct TraceParent: Hashable, Sendable {
    package let headerValue: String

    /// A new one.
    package init(using generator: inout some RandomNumberGenerator) {
        var text: [UInt8] = []
        text.reserveCapacity(55)
        text += [UInt8(ascii: "0"), UInt8(ascii: "0"), UInt8(ascii: "-")]
        // Ids of all zeros are invalid.
        Self.appendHex(generator.next() | 1, to: &text)
        Self.appendHex(generator.next(), to: &text)
        text.append(UInt8(ascii: "-"))
        Self.appendHex(generator.next() | 1, to: &text)
        text += [UInt8(ascii: "-"), UInt8(ascii: "0"), UInt8(ascii: "0")]
        self.headerValue = String(decoding: text, as: UTF8.self)
    }

    private static func appendHex(_ value: UInt64, to text: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xf
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
