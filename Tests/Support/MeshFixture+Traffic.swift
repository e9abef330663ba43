import Foundation

/// Traffic between pods.
extension MeshFixture {
    /// Ports of the test server.
    package enum Port {
        package static let echo = 7000
        package static let greeting = 7001
    }

    /// Runs one of the clients in a pod to its end.
    package func traffic(_ pod: String, _ arguments: String...) async throws -> Outcome {
        let command = ["ip", "netns", "exec", try namespace(pod).name, "python3", programs.traffic] + arguments
        return try await offload { try Shell.runAnyStatus(command) }
    }

    /// Asks a server who it is and who it sees; throws when there is no answer.
    package func greeting(from pod: String, to host: String, port: Int = Port.greeting, count: Int = 1) async throws
        -> String
    {
        let outcome = try await traffic(pod, "call", host, "\(port)", "\(count)")
        guard outcome.status == 0 else { throw NoAnswer(text: "\(pod) to \(host):\(port): \(outcome.output)") }
        return outcome.output
    }

    package func answers(from pod: String, to host: String, port: Int = Port.echo) async throws -> Bool {
        try await traffic(pod, "call", host, "\(port)").status == 0
    }

    /// Opens a connection that sends and gets 100 numbered messages a second, and waits until it runs.
    package func steady(from pod: String, to host: String) async throws -> SteadyConnection {
        let status = "\(directory.path)/steady-\(UUID().uuidString.prefix(8)).json"
        let process = try application(in: pod, "steady", host, status)
        let connection = SteadyConnection(process: process, statusPath: status)
        try await connection.expectProgress(10)
        return connection
    }

    package struct NoAnswer: Error, CustomStringConvertible {
        package let text: String
        package var description: String { "no answer: \(text)" }
    }
}

/// A connection with 100 numbered messages of 64 bytes a second in both directions; both ends check every byte and at
/// the end tell each other how many they sent.
package struct SteadyConnection: Sendable {
    package struct Progress: Codable, Hashable, Sendable {
        package let sent: Int
        package let received: Int
        package let error: String
        package let done: Bool
    }

    let process: MeshProcess
    let statusPath: String

    /// - Parameters:
    ///   - process: `traffic.py steady`.
    ///   - statusPath: where that writes how far it is.
    package init(process: MeshProcess, statusPath: String) {
        self.process = process
        self.statusPath = statusPath
    }

    package var progress: Progress? {
        FileManager.default.contents(atPath: statusPath).flatMap { try? JSONDecoder().decode(Progress.self, from: $0) }
    }

    /// Whether it runs still and has met no wrong byte.
    package var isAlive: Bool { process.isRunning && progress?.error == "" && progress?.done == false }

    /// Throws unless that many more messages go both ways.
    package func expectProgress(_ count: Int = 30, seconds: Double = 10) async throws {
        let before = progress
        try await Wait.eventually("\(count) more messages both ways", seconds: seconds) {
            guard process.isRunning else { throw Broken(text: process.output) }
            guard let now = progress else { return false }
            guard now.error.isEmpty else { throw Broken(text: now.error) }
            return now.sent >= (before?.sent ?? 0) + count && now.received >= (before?.received ?? 0) + count
        }
    }

    /// Waits for its end by somebody else.
    package func untilBroken(seconds: Double = 5) async throws {
        try await Wait.eventually("end of the connection", seconds: seconds) { !process.isRunning }
    }

    /// Ends it in order and returns what went over it, none lost.
    package func finish() async throws -> Progress {
        await process.stop()
        guard let last = progress, last.done, last.error.isEmpty, process.status == 0 else {
            throw Broken(text: "\(progress?.error ?? "") \(process.output)")
        }
        return last
    }

    package struct Broken: Error, CustomStringConvertible {
        package let text: String
        package var description: String { "the live connection broke: \(text)" }
    }
}
