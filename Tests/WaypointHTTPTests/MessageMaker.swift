import MeshModel
import NIOCore
import SeededTesting
import WaypointRoute

@testable import WaypointHTTP

/// Well-formed messages at random, in many of the forms that a message may have.
struct MessageMaker {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    mutating func pick<T>(_ choices: [T]) -> T { choices[number(0...(choices.count - 1))] }

    /// Places to cut a text at, in order.
    mutating func cuts(_ count: Int, countMax: Int = 6) -> [Int] {
        (0..<number(1...countMax)).map { _ in number(0...count) }.sorted()
    }

    mutating func request() -> String {
        let method = pick(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "PURGE"])
        let target = pick(["/", "/a/b?c=d&e", "/%20x", "/a;b=c", "/?", "http://a.example/x", "HTTP://A.example"])
        var text = "\(method) \(target) HTTP/1.1\r\n"
        let host = "\(pick(["Host", "host", "HOST"])):\(pick([" ", "", "\t "]))a.example\(pick(["", " "]))\r\n"
        var lines = fields() + [host]
        let body = body()
        if let head = body.field { lines.append(head) }
        lines.shuffle(using: &generator)
        text += lines.joined() + "\r\n" + body.text
        return text
    }

    mutating func response() -> String {
        let status = pick(["200 OK", "404 Not Found", "503 ", "299 Odd text: here", "201 Created"])
        var lines = fields()
        var body = body()
        if body.field == nil { body = ("Content-Length: 0\r\n", "") }
        if let head = body.field { lines.append(head) }
        lines.shuffle(using: &generator)
        return "HTTP/1.1 \(status)\r\n" + lines.joined() + "\r\n" + body.text
    }

    private mutating func fields() -> [String] {
        (0..<number(0...6)).map { _ in
            let name = pick(["X-A", "x-b", "Accept", "X_C", "User-Agent", "x!#$%&'*+.^`|~", "Cookie"])
            let value = pick(["1", "", "a, b", "a\tb", "\"q;=\"", "caf\u{e9}", String(repeating: "z", count: 300)])
            return "\(name):\(pick(["", " ", "  ", "\t"]))\(value)\(pick(["", " ", "\t "]))\r\n"
        }
    }

    private mutating func body() -> (field: String?, text: String) {
        switch number(0...3) {
        case 0: return (nil, "")
        case 1:
            let bytes = content(number(0...40))
            return ("Content-Length: \(bytes.utf8.count)\r\n", bytes)
        default:
            var text = ""
            for _ in 0..<number(0...4) {
                let bytes = content(number(1...300))
                let size = pick(["", "0", "000"]) + String(bytes.utf8.count, radix: 16, uppercase: number(0...1) == 0)
                text += "\(size)\(pick(["", ";a", ";a=b;c", ";q=\"x;y\""]))\r\n\(bytes)\r\n"
            }
            text += "0\r\n"
            for index in 0..<pick([0, 0, 1, 3]) { text += "X-T\(index): \(content(3))\r\n" }
            return ("Transfer-Encoding: \(pick(["chunked", "Chunked"]))\r\n", text + "\r\n")
        }
    }

    private mutating func content(_ count: Int) -> String {
        String((0..<count).map { _ in pick(["a", "0", "Z", "-"]) as Character })
    }
}
