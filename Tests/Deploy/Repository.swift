import Foundation
import MeshTesting

/// Where things lie: the checkout, and what its tools have set up.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    /// What a tool prints with `--where`; `nil` when it was not run.
    static func place(_ tool: String...) -> String? {
        guard let first = tool.first else { return nil }
        let command = ["\(root)/tools/\(first)", "--where"] + tool.dropFirst()
        guard let (status, output) = try? Shell.runAnyStatus(command), status == 0 else { return nil }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static var kubectl: String? { place("setup-kubernetes").map { "\($0)/kubectl" } }
    static var promtool: String? { place("setup-test-peers", "prometheus").map { "\($0)/promtool" } }
    static var celPython: String? { place("setup-test-peers", "cel") }
    static var imageRoot: String? { place("setup-image-root") }

    /// Of `swift build -c release --static-swift-stdlib --product apus-cni`; `nil` when that was not built.
    static var releasedPlugin: String? {
        let path = "\(root)/.build/release/apus-cni"
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    static var systemdAnalyze: String? {
        let place = "/usr/bin/systemd-analyze"
        return FileManager.default.isExecutableFile(atPath: place) ? place : nil
    }
}
