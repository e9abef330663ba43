import Foundation
import MeshTesting

/// Where things lie: the checkout, our programs, foreign peers.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// One of our programs: in the folder that APUS_BIN names, or where `swift build` puts it.
    static func program(_ name: String) throws -> String {
        let folder = ProcessInfo.processInfo.environment["APUS_BIN"] ?? "\(root)/.build/debug"
        let path = "\(folder)/\(name)"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing(what: "the program \(path)", remedy: "swift build --product \(name), or set APUS_BIN")
        }
        return path
    }

    static func envoy() throws -> String { try peer("envoy") }

    /// Where a part of tools/setup-test-peers lies.
    static func peer(_ part: String) throws -> String {
        let (status, output) = try Shell.runAnyStatus(["\(root)/tools/setup-test-peers", "--where", part])
        guard status == 0 else { throw Missing(what: part, remedy: "tools/setup-test-peers \(part)") }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    struct Missing: Error, CustomStringConvertible {
        let what: String
        let remedy: String
        var description: String { "expected \(what), found none; run: \(remedy)" }
    }
}
