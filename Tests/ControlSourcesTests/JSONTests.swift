import ControlSources
import Testing

@Suite("JSON")
struct JSONTests {
    private func tree(_ text: String) throws -> DataTree { try DataTree.json(Array(text.utf8)) }

    @Test(
        "what JSON is not",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "nul", "TRUE", "01", "-", "1.", ".5", "1e",
            "+1", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "1 2", "[1}", "'a'",
        ])
    func refused(_ text: String) {
        #expect(throws: DataTreeError.self) { try tree(text) }
    }

    @Test("bytes that are no UTF-8 are refused")
    func encoding() {
        #expect(throws: DataTreeError.self) { try DataTree.json([0x22, 0xff, 0x22]) }
        #expect(throws: DataTreeError.self) { try DataTree.json([0x22, 0x5c, 0x6e, 0xc3, 0x22]) }
    }

    @Test("nesting has a bound, and a deep text costs no stack")
    func nesting() {
        let depth = 1_000_000
        #expect(throws: DataTreeError.self) { try tree(String(repeating: "[", count: depth)) }
        #expect(throws: Never.self) { try tree(String(repeating: "[", count: 60) + String(repeating: "]", count: 60)) }
    }

    @Test(
        "strings say what they mean",
        arguments: [
            ("\"\"", ""), ("\"a\\\"b\\\\c\\/\"", "a\"b\\c/"), ("\"\\b\\f\\n\\r\\t\"", "\u{8}\u{c}\n\r\t"),
            ("\"\\u00e4\\ud83d\\ude00\"", "ä😀"), ("\"ä😀\"", "ä😀"), ("\"x\\u0041\"", "xA"),
        ])
    func strings(_ text: String, _ meaning: String) throws {
        #expect(try tree(text).text == meaning)
    }

    @Test("fields, lists and words")
    func values() throws {
        let tree = try tree(" { \"a\" : [ 1 , -2.5e+3, true, null, \"x\" ] , \"b\" : { } , \"c\" : null } ")
        #expect(tree["a"]?.items?.map(\.text) == ["1", "-2.5e+3", "true", nil, "x"])
        #expect(tree["b"]?.isMap == true)
        #expect(tree["c"] == nil && tree["d"] == nil && tree["a"]?["b"] == nil)
    }
}
