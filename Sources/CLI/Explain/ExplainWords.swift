import ArgumentParser
import MeshModel

/// The words of `apus explain`, understood.
struct ExplainWords: Equatable {
    let connection: ConnectionQuestion
    /// `nil`: only the connection is asked about.
    let request: Request?

    struct Request: Equatable {
        let method: String
        let target: String
    }

    /// Between the two ends.
    static let arrow = "->"

    init(_ words: [String]) throws {
        guard !words.contains("-") else {
            throw ValidationError("write the arrow in quotes, '->', or leave it out: the shell takes > for itself")
        }
        var words = words.filter { $0 != Self.arrow }
        guard words.count >= 2 else { throw ValidationError("expected FROM TO, for example shop/web shop/api") }
        let from = words.removeFirst()
        var (to, port) = try Self.split(words.removeFirst())
        if let first = words.first, first.hasPrefix(":") {
            port = try Self.port(first.dropFirst())
            words.removeFirst()
        }
        connection = ConnectionQuestion(from: from, to: to, port: port)
        switch words.count {
        case 0: request = nil
        case 2:
            guard words[1].hasPrefix("/") || words[1] == "*" else {
                throw ValidationError("expected a path that begins with /, found '\(words[1])'")
            }
            request = Request(method: words[0], target: words[1])
        default: throw ValidationError("expected METHOD PATH after FROM TO, found '\(words.joined(separator: " "))'")
        }
    }

    /// `NAME[:PORT]`; IPv6 addresses with a port stand in brackets.
    private static func split(_ text: String) throws -> (String, UInt16?) {
        if IPAddress(text) != nil { return (text, nil) }
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        var name = text[..<colon]
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        return (String(name), try port(text[text.index(after: colon)...]))
    }

    private static func port(_ text: Substring) throws -> UInt16 {
        guard let port = UInt16(text), port > 0 else { throw ValidationError("expected a port, found '\(text)'") }
        return port
    }
}
