import MeshModel
import Testing

@Suite("JSON values")
struct JSONValueTests {
    @Test("are written in one way only")
    func text() {
        let value: JSONValue = [
            "b": [1, true, .null, .number("1.50")], "a": "é\"\\\n\u{1}/", "c": [:], "d": [],
        ]
        let text = "{\"a\":\"é\\\"\\\\\\n\\u0001/\",\"b\":[1,true,null,1.50],\"c\":{},\"d\":[]}"
        #expect(String(decoding: value.json, as: UTF8.self) == text)
        #expect(value == ["d": [], "c": [:], "a": "é\"\\\n\u{1}/", "b": [1, true, .null, .number("1.50")]])
    }
}
