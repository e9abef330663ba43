import Foundation
import Logging
import MeshModel
import MeshRuntime
import WaypointGateway

/// The Unix socket that `apus explain` asks on.
enum ControlSocket {
    /// A waypoint that cannot be asked serves all the same.
    /// - Parameter path: `nil`: nobody asks.
    static func open(_ path: String?, for gateway: Gateway, log: Logger) {
        guard let path else { return }
        do {
            try ControlSocketServer(path: path, logger: log) { request, _ in await answer(request, gateway) }.start()
        } catch {
            log.warning("apus explain cannot ask us", metadata: ["socket": "\(path)", "error": "\(error)"])
        }
    }

    private static func answer(_ request: NodeRequest, _ gateway: Gateway) async -> NodeReply {
        guard case .explainRequest(let text) = request else {
            return .refused("a waypoint answers questions about requests only")
        }
        do {
            let question = try JSONDecoder().decode(RequestQuestion.self, from: Data(text.utf8))
            let report = try await gateway.explain(question)
            return .done(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
        } catch {
            return .refused("\(error)")
        }
    }
}
