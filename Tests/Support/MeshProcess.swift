import Foundation
import Synchronization

/// A program of a test that runs beside it, in a network namespace, its output in a file. Ends with its owner.
package final class MeshProcess: Sendable {
    package let name: String
    package let outputPath: String
    package let processIdentifier: Int32
    private let ended: Ending

    private final class Ending: Sendable {
        let status = Mutex<Int32?>(nil)
    }

    /// Worker threads of this process block signals, and children inherit that: SIGTERM would not arrive.
    private static let unblocking = [
        "python3", "-c",
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])",
    ]

    /// Starts it at once. All that stands before the program replaces itself by it, so the process number is its own.
    package init(
        _ name: String, in namespace: TestNamespace, environment: [String: String] = [:], output: String,
        _ command: [String]
    ) throws {
        if !FileManager.default.fileExists(atPath: output) {
            _ = FileManager.default.createFile(atPath: output, contents: nil)
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        try file.seekToEnd()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        process.arguments = ["ip", "netns", "exec", namespace.name] + Self.unblocking + ["env"] + variables + command
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        let ended = Ending()
        process.terminationHandler = { process in
            ended.status.withLock { $0 = process.terminationStatus }
        }
        try Shell.spawning.withLock { _ in try process.run() }
        try file.close()
        self.name = name
        self.outputPath = output
        self.processIdentifier = process.processIdentifier
        self.ended = ended
    }

    deinit {
        if isRunning { kill(processIdentifier, SIGKILL) }
    }

    package var isRunning: Bool { status == nil }

    /// `nil` while it runs.
    package var status: Int32? { ended.status.withLock { $0 } }

    /// Everything it said so far.
    package var output: String {
        (try? Data(contentsOf: URL(fileURLWithPath: outputPath))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    package func signal(_ number: Int32) {
        if isRunning { kill(processIdentifier, number) }
    }

    /// Signals it and waits for its end; what does not end is killed.
    package func stop(_ number: Int32 = SIGTERM, seconds: Double = 10) async {
        signal(number)
        do {
            try await Wait.eventually("end of \(name)", seconds: seconds) { !isRunning }
        } catch {
            signal(SIGKILL)
            try? await Wait.eventually("end of \(name)", seconds: 5) { !isRunning }
        }
    }

    /// Open descriptors.
    package var descriptorCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processIdentifier)/fd").count) ?? 0
    }

    /// Resident memory in KiB.
    package var residentKibibytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
    }
}
