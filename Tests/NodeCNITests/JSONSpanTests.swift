import SeededTesting
import Testing

@testable import NodeCNI

@Suite("JSON with places")
struct JSONSpanTests {
    @Test("every value knows where it stands", arguments: [
        "{}", "[]", "\"a\"", "0", "-1.5e+3", "true", "null", "{\"a\": [1, {\"b\": \"c\"}] , \"d\": null}",
    ])
    func ranges(text: String) throws {
        let bytes = Array(" \n\(text)\t ".utf8)
        let value = try JSONSpan(reading: bytes)
        #expect(String(decoding: bytes[value.range], as: UTF8.self) == text)
        func check(_ value: JSONSpan) throws {
            #expect(try JSONSpan(reading: Array(bytes[value.range])).content.isSame(as: value.content))
            for element in value.elements ?? [] { try check(element) }
            if case .object(let members) = value.content {
                for member in members {
                    #expect(bytes[member.start] == UInt8(ascii: "\""))
                    try check(member.value)
                }
            }
        }
        try check(value)
    }

    @Test("escapes and surrogate pairs are one text")
    func escapes() throws {
        let value = try JSONSpan(reading: Array(#""\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é""#.utf8))
        #expect(value.text == "\"\\/\u{8}\u{c}\n\r\tA\u{1f600}é")
    }

    @Test("what is no JSON is refused", arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a: 1}", "[1 2]", "\"a", "\"\\x\"", "\"\\u12\"",
        "\"\u{1}\"",
        "01", "1.", ".5", "+1", "1e", "0x10", "nul", "True", "{} {}", "\"\\ud83d\"", "\"\\u+123\"", "{\"a\":1,\"a\":2}",
        "NaN", "inf", "-",
    ])
    func refused(text: String) {
        #expect(throws: JSONSpanError.self) { try JSONSpan(reading: Array(text.utf8)) }
    }

    @Test("bytes that are no text, too many of them and too many levels are refused")
    func hostile() {
        #expect(throws: JSONSpanError.self) { try JSONSpan(reading: [0x22, 0xff, 0x22]) }
        #expect(throws: JSONSpanError.self) {
            try JSONSpan(reading: Array(repeating: UInt8(ascii: "["), count: 100_000))
        }
        #expect(throws: JSONSpanError.self) {
            try JSONSpan(reading: Array(repeating: UInt8(ascii: " "), count: JSONSpan.bytesMax + 1))
        }
    }

    @Test("any bytes are read or refused, and any text survives quoting")
    func seeded() throws {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("{}[]\",:\\u0123456789abctrue nul\n".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            _ = try? JSONSpan(reading: bytes)
            let text = String(decoding: bytes, as: UTF8.self) + "\u{1}\té"
            #expect(try JSONSpan(reading: Array(JSONSpan.quoted(text).utf8)).text == text)
        }
    }
}

extension JSONSpan.Content {
    /// Equal but for places.
    fileprivate func isSame(as other: JSONSpan.Content) -> Bool {
        switch (self, other) {
        case (.object(let left), .object(let right)): return left.map(\.key) == right.map(\.key)
        case (.array(let left), .array(let right)): return left.count == right.count
        default: return self == other
        }
    }
}
