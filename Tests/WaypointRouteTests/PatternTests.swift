import Testing
import WaypointRoute

@Suite("Regular expressions")
struct PatternTests {
    @Test(
        "the whole value must match",
        arguments: [
            ("", ["": true, "a": false]), ("abc", ["abc": true, "ab": false, "abcd": false, "xabc": false]),
            ("a.c", ["abc": true, "a\nc": false, "ac": false]), ("(?s)a.c", ["a\nc": true]),
            ("a|bc|", ["a": true, "bc": true, "": true, "b": false, "abc": false]),
            ("(a|b)*c", ["c": true, "abbac": true, "abd": false]), ("a+b?", ["a": true, "aab": true, "b": false]),
            ("a{2}", ["aa": true, "a": false, "aaa": false]), ("a{2,}", ["a": false, "aaaa": true]),
            ("a{1,2}", ["": false, "a": true, "aa": true, "aaa": false]), ("a{0}", ["": true, "a": false]),
            ("a{,2}", ["a{,2}": true, "a": false]), ("a{x", ["a{x": true]), ("a{2", ["a{2": true]),
            ("a*?b+?c??", ["b": true, "aabbc": true]), ("(a*)*", ["": true, "aaa": true, "b": false]),
            ("(a|b|)+x", ["x": true, "abax": true]), ("()", ["": true]),
            ("[a-c]", ["b": true, "d": false, "": false]), ("[^a-c]", ["b": false, "d": true, "\n": true]),
            ("[]a]", ["]": true, "a": true]), ("[^]a]", ["]": false, "b": true]), ("[a-]", ["-": true, "b": false]),
            ("[-a]", ["-": true]), ("[\\d_]+", ["12_3": true, "a": false]), ("[\\]\\\\]", ["]": true, "\\": true]),
            ("[[:alpha:]]+", ["aZ": true, "a1": false]), ("[[:^digit:]]", ["1": false, "x": true]),
            ("\\d\\D\\w\\W\\s\\S", ["1a_- x": true, "aa_- x": false]), ("\\.\\/\\-\\_", ["./-_": true]),
            ("\\x41\\x{42}", ["AB": true]), ("\\Qa.b*\\E+", ["a.b*": true, "a.b***": true, "axb": false]),
            ("^/a$", ["/a": true, "/ab": false]), ("^a|b$", ["a": true, "b": true]), ("a^b", ["ab": false]),
            ("a$b", ["ab": false]), ("\\Aa\\z", ["a": true]), ("a\\b.*", ["a b": true, "ab": false, "a": true]),
            ("a\\B.*", ["ab": true, "a b": false]),
            ("(?i)aB[c-d]", ["AbC": true, "abD": true, "abe": false]), ("(?i:a)b", ["Ab": true, "AB": false]),
            ("((?i)a)b", ["Ab": true, "AB": false]), ("(?i)a(?-i)b", ["Ab": true, "AB": false]),
            ("(?i)[^a]", ["A": false, "a": false, "b": true]), ("(?P<n>a)(?<m>b)", ["ab": true]),
            ("(?:a|b)c", ["bc": true]), ("é+", ["éé": true, "é": true, "e": false]),
            ("/api/v[0-9]+/.*", ["/api/v12/": true, "/api/v/": false, "/api/v1/a/b": true]),
            ("a)", [:]),
        ] as [(String, [String: Bool])])
    func table(_ text: String, _ cases: [String: Bool]) throws {
        guard !cases.isEmpty else { return }
        let pattern = try Pattern(text)
        for (value, expected) in cases {
            #expect(pattern.matches(Array(value.utf8)[...]) == expected, "\(text) on \(value)")
        }
    }

    @Test(
        "what would take more than linear time, or is not known, is refused",
        arguments: [
            "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\1", "\\pL", "\\p{Greek}", "\\C", "(?m)a", "[é]", "\\x{100}",
            "\\G", "[[:nope:]]", "\\Z", "(?x)a",
        ])
    func unsupported(_ text: String) {
        #expect(kind(text) == "unsupported", "\(text)")
    }

    @Test(
        "what cannot be read is refused",
        arguments: [
            "*", "+a", "?", "a**", "a+*", "a{2}{3}", "|*", "(", ")", "a)", "(a", "[", "[a", "[]", "[^", "[z-a]",
            "a{3,2}", "\\", "\\x4", "\\x{", "(?", "(?i", "(?P<", "(?P<a", "(?P<a b>c)", "(?<>a)", "[a-\\d]",
        ])
    func malformed(_ text: String) {
        #expect(kind(text) == "malformed", "\(text)")
    }

    @Test("size and depth have limits, also where repetitions multiply (ISTIO-SECURITY-2019-003)")
    func limits() {
        #expect(kind(String(repeating: "a", count: 900)) == "accepted")
        #expect(kind(String(repeating: "a", count: 1001)) == "tooLarge")
        #expect(kind(String(repeating: "a", count: 4097)) == "tooLong")
        #expect(kind("((((a{1000}){1000}){1000}){1000}){1000}") == "tooLarge")
        #expect(kind("a{1001}") == "tooLarge")
        #expect(kind("a{99999999999999999999}") == "tooLarge")
        #expect(kind(String(repeating: "(", count: 60) + String(repeating: ")", count: 60)) == "accepted")
        #expect(kind(String(repeating: "(", count: 2000)) == "tooDeep")
        #expect(kind(String(repeating: "(?:a?", count: 30) + String(repeating: "){2}", count: 30)) == "tooLarge")
    }

    @Test("time is bounded by instructions times bytes for expressions that are known to blow up")
    func linear() throws {
        let texts = [
            "(a*)*b", "(a|a)*b", "(a|aa)+b", "(a?){100}a{100}", "(.*)(.*)(.*)(.*)x", "([a-z]+)*!", "(.*a){50}",
        ]
        for text in texts {
            let pattern = try Pattern(text)
            for count in [10, 100, 1000, 10_000] {
                var steps = 0
                _ = pattern.matches(Array(repeating: UInt8(ascii: "a"), count: count)[...], steps: &steps)
                #expect(steps <= 2 * Pattern.instructionsMax * (count + 1), "\(text)")
            }
        }
    }

    private func kind(_ text: String) -> String {
        do throws(PatternError) {
            _ = try Pattern(text)
            return "accepted"
        } catch {
            switch error {
            case .tooLong: return "tooLong"
            case .tooLarge: return "tooLarge"
            case .tooDeep: return "tooDeep"
            case .unsupported: return "unsupported"
            case .malformed: return "malformed"
            }
        }
    }
}
