import Dispatch
import Foundation
import Synchronization

/// Runs a program for a test and waits for its end.
package enum Shell {
    package struct Failure: Error, CustomStringConvertible {
        package let command: String
        package let status: Int32
        package let output: String

        package var description: String { "\(command): status \(status): \(output)" }
    }

    /// Held from the making of a pipe until its writing end is closed here: a long-lived program started meanwhile on
    /// another thread would inherit that end, and reading would end with that program only.
    static let spawning = Mutex(())

    /// Standard output and error in one text. Throws unless the program ends with status 0.
    @discardableResult
    package static func run(_ command: [String]) throws -> String {
        let (status, output) = try runAnyStatus(command)
        guard status == 0 else {
            throw Failure(command: command.joined(separator: " "), status: status, output: output)
        }
        return output
    }

    /// As `run`, with the status as a value.
    package static func runAnyStatus(_ command: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        // Process's own wait turns a run loop and takes 50 ms for a program of one.
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        let pipe = try spawning.withLock { _ in
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            return pipe
        }
        // Read to the end before waiting: a full pipe would stop the program.
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        // Closed here and not whenever the last reference goes: hundreds of programs may have run by then, and starting
        // one more with more than a thousand open descriptors crashes in Foundation, which copies directory entries
        // beyond their end.
        try pipe.fileHandleForReading.close()
        ended.wait()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }
}
