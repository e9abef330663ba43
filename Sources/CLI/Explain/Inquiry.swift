import Foundation
import MeshModel

/// Asks whoever knows best: the node daemon about a connection, the waypoint about a request, and the resources where
/// one of them cannot be asked.
struct Inquiry {
    let words: ExplainWords
    let node: NodeOptions
    let mesh: MeshOptions

    func explanation(_ detail: (inout RequestQuestion) throws -> Void) throws -> Explanation {
        var notes: [String] = []
        let (connection, basis) = try self.connection(&notes)
        var explanation = Explanation(basis: Explanation.Basis(connection: basis), connection: connection)
        guard let request = words.request else { return finished(explanation, notes) }
        guard connection.way == .waypoint, let waypoint = connection.waypoint else {
            if connection.way != .refused {
                notes.append("no waypoint stands before it: nobody looks at the request, the connection is all")
            }
            return finished(explanation, notes)
        }
        var question = RequestQuestion(
            identity: connection.source.identity, client: connection.source.address,
            authority: connection.destination, method: request.method, target: request.target)
        try detail(&question)
        (explanation.request, explanation.basis.request) = try self.request(question, at: waypoint, &notes)
        return finished(explanation, notes)
    }

    private func finished(_ explanation: Explanation, _ notes: [String]) -> Explanation {
        var explanation = explanation
        explanation.notes = notes
        return explanation
    }

    private func connection(_ notes: inout [String]) throws -> (ConnectionReport, String) {
        let question = words.connection
        if !mesh.offline {
            do {
                let text = try String(decoding: JSONEncoder().encode(question), as: UTF8.self)
                let answer = try NodeClient(node).answer(to: .explainConnection(text))
                return (try JSONDecoder().decode(ConnectionReport.self, from: Data(answer.utf8)), "node")
            } catch let failure as Unreachable {
                guard let path = mesh.resources else {
                    throw CommandFailure(
                        "\(failure.aboutNode)\nWith --resources DIR the answer comes from the resources.")
                }
                notes.append("no node daemon answers: the connection is explained by the resources in \(path)")
            }
        } else if let path = mesh.resources {
            notes.append("nobody was asked: explained by the resources in \(path), as if every waypoint were ready")
        }
        return (try OfflineMesh(mesh).connection(question), "resources")
    }

    private func request(
        _ question: RequestQuestion, at waypoint: String, _ notes: inout [String]
    ) throws -> (RequestReport, String) {
        if !mesh.offline {
            do {
                let text = try String(decoding: JSONEncoder().encode(question), as: UTF8.self)
                let answer = try NodeClient(path: mesh.socket(of: waypoint)).answer(to: .explainRequest(text))
                return (try JSONDecoder().decode(RequestReport.self, from: Data(answer.utf8)), "waypoint")
            } catch let failure as Unreachable {
                guard let path = mesh.resources else {
                    throw CommandFailure(
                        "\(failure)\nIs waypoint \(waypoint) running on this machine? Its socket can be named with "
                            + "--waypoint-socket; with --resources the answer comes from the resources.")
                }
                notes.append("the waypoint does not answer: the request is explained by the resources in \(path)")
            }
        }
        return (try OfflineMesh(mesh).request(question, at: waypoint, to: words.connection), "resources")
    }
}
