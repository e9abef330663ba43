import Foundation
import MeshModel

/// The whole answer to `apus explain`.
struct Explanation: Encodable {
    /// Who was asked: `node`, `waypoint` or `resources`.
    struct Basis: Encodable, Hashable {
        var connection: String
        var request: String?
    }

    var basis: Basis
    var connection: ConnectionReport
    /// `nil`: no waypoint looks at requests, or nothing was asked about one.
    var request: RequestReport?
    var notes: [String] = []
    var isAllowed: Bool { connection.isAllowed && (request?.isAllowed ?? true) }

    private enum Key: String, CodingKey { case allowed, basis, notes, connection, request }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(isAllowed, forKey: .allowed)
        try container.encode(basis, forKey: .basis)
        try container.encode(notes, forKey: .notes)
        try container.encode(connection, forKey: .connection)
        try container.encodeIfPresent(request, forKey: .request)
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    var text: String {
        var text = ReportText()
        text.add("note", notes)
        text.add(connection.text)
        if let request {
            text.add(request.text)
        } else {
            text.add("result", [connection.isAllowed ? "allowed" : "refused: the connection is closed"])
        }
        return text.lines.joined(separator: "\n")
    }
}
