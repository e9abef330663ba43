import SeededTesting
import Testing
import WaypointRoute

@Suite("Request paths")
struct RequestPathTests {
    private func plain(_ text: String, _ mode: PathNormalization) -> String {
        do throws(RequestError) {
            let path = try RequestPath(Array(text.utf8), normalization: mode)
            return String(decoding: path.target, as: UTF8.self)
        } catch {
            return "\(error.status)"
        }
    }

    @Test(
        "each mode does what its table says (ISTIO-SECURITY-2021-005)",
        arguments: [
            ("/some%2fdata/%61%62%63", "/some%2fdata/abc", "/some%2fdata/abc", "/some/data/abc"),
            ("/some\\data", "/some/data", "/some/data", "/some/data"),
            ("/some%5Cdata", "/some%5Cdata", "/some%5Cdata", "/some/data"),
            ("/some//data///abc", "/some//data///abc", "/some/data/abc", "/some/data/abc"),
            ("/public/./data/abc/../xyz", "/public/data/xyz", "/public/data/xyz", "/public/data/xyz"),
            ("/public/%2e%2E/admin", "/admin", "/admin", "/admin"),
            ("/public/..%2Fadmin", "/public/..%2Fadmin", "/public/..%2Fadmin", "/admin"),
            ("/public\\..\\admin", "/admin", "/admin", "/admin"),
            ("/x%00", "400", "400", "400"),
            ("/x\u{0}", "400", "400", "400"),
            ("/%252e", "/%252e", "/%252e", "/%252e"),
            ("/%252e%252e/admin", "/%252e%252e/admin", "/%252e%252e/admin", "/%252e%252e/admin"),
            ("/a%", "400", "400", "400"),
            ("/a%4", "400", "400", "400"),
            ("/a%4?b", "400", "400", "400"),
            ("/a%zz", "400", "400", "400"),
            ("/a b", "400", "400", "400"),
            ("/a\r\nb", "400", "400", "400"),
            ("/a#b", "400", "400", "400"),
            ("/a?b#c", "400", "400", "400"),
            ("", "400", "400", "400"),
            ("a", "400", "400", "400"),
            ("http://a/b", "400", "400", "400"),
            ("*", "*", "*", "*"),
            ("/", "/", "/", "/"),
            ("/..", "/", "/", "/"),
            ("/../../a", "/a", "/a", "/a"),
            ("/a/..", "/", "/", "/"),
            ("/a/.", "/a/", "/a/", "/a/"),
            ("/a/...", "/a/...", "/a/...", "/a/..."),
            ("/a/b//../c", "/a/b/c", "/a/b/c", "/a/b/c"),
            ("/a/b?x=/../%61//", "/a/b?x=/../%61//", "/a/b?x=/../%61//", "/a/b?x=/../%61//"),
            ("/a/%3f?b", "/a/%3f?b", "/a/%3f?b", "/a/%3f?b"),
            ("/caf%C3%A9", "/caf%C3%A9", "/caf%C3%A9", "/caf%C3%A9"),
        ])
    func modes(_ text: String, _ base: String, _ merged: String, _ decoded: String) {
        #expect(plain(text, .base) == base)
        #expect(plain(text, .mergeSlashes) == merged)
        #expect(plain(text, .decodeAndMergeSlashes) == decoded)
    }

    @Test("without normalization a path stays, apart from what no mode accepts")
    func unchanged() {
        #expect(plain("/a/../%61\\//%zz", .none) == "/a/../%61\\//%zz")
        #expect(plain("/a%00", .none) == "400")
        #expect(plain("/a#b", .none) == "400")
    }

    @Test("a target may be long, not longer")
    func length() {
        let longest = "/" + String(repeating: "a", count: RequestPath.targetBytesMax - 1)
        #expect(plain(longest, .base) == longest)
        #expect(plain(longest + "a", .base) == "414")
    }

    @Test("the query is no part of the path, its first value of a name counts, nothing is decoded")
    func query() throws {
        let path = try RequestPath(Array("/a?b=1&b=2&c&d=&%62=3&B=4&=5&e=f=g?h".utf8))
        let value = { (name: String) in path.queryValue(name.utf8).map { String(decoding: $0, as: UTF8.self) } }
        #expect(String(decoding: path.path, as: UTF8.self) == "/a")
        #expect(value("b") == "1")
        #expect(value("c") == "")
        #expect(value("d") == "")
        #expect(value("B") == "4")
        #expect(value("") == "5")
        #expect(value("e") == "f=g?h")
        #expect(value("f") == nil)
        #expect(try RequestPath("/a".utf8).query == nil)
        #expect(try RequestPath("/a?".utf8).query == [])
        #expect(try RequestPath("/a".utf8).queryValue("".utf8) == nil)
    }

    /// Bytes that mean something to normalization, and some that do not.
    private static let alphabet = Array("//..%%2eEfF5cC0aA\\?&=-~é".utf8)

    @Test("any bytes give a plain path or an error, and plain stays plain", arguments: 0..<8)
    func anyBytes(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4000 {
            let count = Int.random(in: 0..<40, using: &generator)
            let rest = (0..<count).compactMap { _ in Self.alphabet.randomElement(using: &generator) }
            let bytes = [UInt8(ascii: "/")] + rest
            for mode in [PathNormalization.base, .mergeSlashes, .decodeAndMergeSlashes] {
                guard let path = try? RequestPath(bytes, normalization: mode) else { continue }
                #expect(path.path.first == UInt8(ascii: "/"))
                #expect(path.target.count <= bytes.count)
                #expect(!path.path.contains(UInt8(ascii: "\\")))
                let segments = path.path.split(separator: UInt8(ascii: "/"))
                #expect(!segments.contains(Array(".".utf8)[...]) && !segments.contains(Array("..".utf8)[...]))
                if mode != .base { #expect(!String(decoding: path.path, as: UTF8.self).contains("//")) }
                #expect(try RequestPath(path.target, normalization: mode) == path)
            }
        }
    }
}
