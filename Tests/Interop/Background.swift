import Dispatch
import Foundation
import MeshTesting

/// A program that runs beside a test, with its output in a file. It ends with this value.
final class Background: Sendable {
    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    let logPath: String
    private let name: String
    private let process: Process
    private let isOrderly: Bool
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the program, inside a network namespace if one is given.
    ///
    /// - Parameter isOrderly: it is asked to end, as ours are. A program started from a test inherits blocked signals,
    ///   and foreign ones do not unblock them: those are just ended.
    init(
        _ name: String, in namespace: TestNamespace?, folder: String, isOrderly: Bool = false,
        environment: [String: String] = [:], _ command: [String]
    ) throws {
        self.name = name
        self.isOrderly = isOrderly
        logPath = "\(folder)/\(name).log"
        guard FileManager.default.createFile(atPath: logPath, contents: nil) else {
            throw Ended(description: "expected a folder for logs, found none at \(folder)")
        }
        let log = try FileHandle(forWritingTo: URL(fileURLWithPath: logPath))
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (namespace.map { ["ip", "netns", "exec", $0.name] } ?? []) + command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, own in own }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
    }

    deinit {
        if isOrderly {
            process.terminate()
            guard ended.wait(timeout: .now() + 10) == .timedOut else { return }
        }
        _ = try? Shell.run(["kill", "-KILL", "\(process.processIdentifier)"])
        ended.wait()
    }

    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Waits for a condition; an early end of the program fails with its last words.
    func wait(for subject: String, seconds: Double = 20, _ condition: () throws -> Bool) throws {
        do {
            try Wait.until(subject, seconds: seconds) {
                if try condition() { return true }
                guard process.isRunning else { throw Ended(description: "\(name) ended") }
                return false
            }
        } catch {
            throw Ended(description: "\(error); the log of \(name) ends with:\n\(log.suffix(3000))")
        }
    }
}
