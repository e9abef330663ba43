package import ControlTranslate
import Foundation
import MeshModel

/// Where users read what became of their routes, Gateways and services: `KIND/NAMESPACE/NAME.yaml` for each. A file is
/// replaced as a whole, and only when it says something else than before, also over restarts.
package struct StatusDirectory: Sendable {
    /// What one update did to the files.
    package struct Outcome: Hashable, Sendable {
        package var written = 0
        package var removed = 0
        /// What could not be done, with the path; it is tried again with the next update.
        package var problems: [String] = []

        package init() {}
    }

    package let path: String
    /// Text by path below the directory, as far as it is known to be on disk.
    private var known: [String: String] = [:]
    private var hasLooked = false

    package init(path: String) { self.path = path }

    /// Makes the files say this, and removes those of resources that are gone.
    package mutating func update(
        _ statuses: [RouteStatus], _ gateways: [GatewayStatus] = [], _ bindings: [BindingStatus] = []
    ) -> Outcome {
        var outcome = Outcome()
        if !hasLooked {
            hasLooked = true
            known = found()
        }
        var wanted: [String: String] = [:]
        for status in statuses {
            let place = "\(status.kind.rawValue)/\(status.namespace)/\(status.name).yaml"
            wanted[place] = StatusText.yaml(status)
        }
        for status in gateways {
            wanted["Gateway/\(status.namespace)/\(status.name).yaml"] = GatewayStatusText.yaml(status)
        }
        for status in bindings {
            let place = "\(status.kind.rawValue)/\(status.namespace)/\(status.name).yaml"
            wanted[place] = BindingStatusText.yaml(status)
        }
        for place in known.keys.filter({ wanted[$0] == nil }).sorted() {
            attempt(place, &outcome) { path in
                if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            } done: { outcome, known in
                outcome.removed += 1
                known[place] = nil
            }
        }
        for (place, text) in wanted.sorted(by: { $0.key < $1.key }) where known[place] != text {
            attempt(place, &outcome) { path in
                let file = URL(fileURLWithPath: path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file, options: .atomic)
            } done: { outcome, known in
                outcome.written += 1
                known[place] = text
            }
        }
        return outcome
    }

    private mutating func attempt(
        _ place: String, _ outcome: inout Outcome, _ body: (String) throws -> Void,
        done: (inout Outcome, inout [String: String]) -> Void
    ) {
        do {
            try body("\(path)/\(place)")
            done(&outcome, &known)
        } catch {
            outcome.problems.append("\(path)/\(place): \((error as NSError).localizedDescription)")
        }
    }

    private static let kinds =
        ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "Gateway"] + BindingStatus.Kind.allCases.map(\.rawValue)

    private static let marks = [StatusText.mark, StatusText.gatewayMark, BindingStatusText.mark]

    /// Files of an earlier run. Others are not looked at, so they are never removed.
    private func found() -> [String: String] {
        var found: [String: String] = [:]
        for kind in Self.kinds {
            for namespace in names("\(path)/\(kind)") {
                for name in names("\(path)/\(kind)/\(namespace)") where name.hasSuffix(".yaml") {
                    let place = "\(kind)/\(namespace)/\(name)"
                    guard let text = try? String(contentsOfFile: "\(path)/\(place)", encoding: .utf8),
                        Self.marks.contains(where: text.hasPrefix)
                    else { continue }
                    found[place] = text
                }
            }
        }
        return found
    }

    private func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }
    }
}
