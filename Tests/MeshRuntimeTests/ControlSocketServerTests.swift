import Glibc
import Logging
import MeshKernel
import MeshModel
import MeshTesting
import Synchronization
import Testing

@testable import MeshRuntime

@Suite("The control socket")
struct ControlSocketServerTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Blocks, so never on a thread that the server's tasks need.
    private static func ask(_ path: String) throws -> NodeReply? {
        let connection = try UnixControl.connect(path: path, timeoutMilliseconds: 120_000)
        try UnixControl.send(Array("show\tstatus\n".utf8), over: connection)
        var answer: [UInt8] = []
        while true {
            let part = try UnixControl.receive(bytesMax: 1000, over: connection)
            if part.bytes.isEmpty { break }
            answer += part.bytes
        }
        return NodeReply(text: String(decoding: answer, as: UTF8.self))
    }

    @Test("a client is answered while others are silent")
    func silentClients() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        // Longer than anybody waits here: whoever waited for the silent ones would not answer.
        try ControlSocketServer(
            path: path, logger: Self.quiet, requestMilliseconds: 600_000, answer: { _, _ in .done("fine\n") })
            .start()
        let reply = try await offload {
            let silent = try UnixControl.connect(path: path)
            let half = try UnixControl.connect(path: path)
            try UnixControl.send(Array("show\t".utf8), over: half)
            let reply = try Self.ask(path)
            silent.close()
            half.close()
            return reply
        }
        #expect(reply == .done("fine\n"))
    }

    @Test("a client that is silent, or stops in the middle, is sent away")
    func sentAway() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        try ControlSocketServer(
            path: path, logger: Self.quiet, requestMilliseconds: 100, answer: { _, _ in .done("fine\n") }
        ).start()
        let received = try await offload {
            let silent = try UnixControl.connect(path: path, timeoutMilliseconds: 120_000)
            let half = try UnixControl.connect(path: path, timeoutMilliseconds: 120_000)
            try UnixControl.send(Array("show\t".utf8), over: half)
            // Both return when the server has closed.
            return try UnixControl.receive(bytesMax: 10, over: silent).bytes
                + UnixControl.receive(bytesMax: 10, over: half).bytes
        }
        #expect(received.isEmpty)
    }

    @Test("a request that comes drop by drop has the same bound as a silent one")
    func drops() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        try ControlSocketServer(
            path: path, logger: Self.quiet, requestMilliseconds: 400, answer: { _, _ in .done("fine\n") }
        ).start()
        let isClosed = try await offload { try Self.dripsUntilClosed(path) }
        #expect(isClosed)
    }

    /// Each receive waits for 200 ms; the server must close long before the request's 8,192 bytes are there.
    private static func dripsUntilClosed(_ path: String) throws -> Bool {
        let slow = try UnixControl.connect(path: path, timeoutMilliseconds: 200)
        for _ in 0..<50 {
            do throws(KernelError) {
                try UnixControl.send(Array("x".utf8), over: slow)
                if try UnixControl.receive(bytesMax: 10, over: slow).bytes.isEmpty { return true }
            } catch {
                guard error.errno == EAGAIN else { return true }
            }
        }
        return false
    }

    @Test("a server that pauses takes no question, goes on, and leaves those that wait to its successor")
    func pauses() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let first = ControlSocketServer(path: path, logger: Self.quiet) { _, _ in .done("first\n") }
        try first.start()
        #expect(try await offload { try Self.ask(path) } == .done("first\n"))
        for _ in 0..<3 {
            _ = try first.pause()
            async let answer = offload { try Self.ask(path) }
            first.resume()
            #expect(try await answer == .done("first\n"))
        }
        guard let passed = try first.pause() else {
            Issue.record("it has a socket")
            return
        }
        async let waiting = offload { try Self.ask(path) }
        first.stop()
        let second = ControlSocketServer(path: path, logger: Self.quiet) { _, _ in .done("second\n") }
        try second.start(adopting: passed)
        #expect(try await waiting == .done("second\n"))
        for _ in 0..<5 { #expect(try await offload { try Self.ask(path) } == .done("second\n")) }
    }

    @Test("an accept that fails is repeated after a pause, not at once, and then works")
    func acceptFails() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let tries = Mutex<[ContinuousClock.Instant]>([])
        let failures = 4
        let server = ControlSocketServer(
            path: path, logger: Self.quiet, requestMilliseconds: 120_000,
            accept: { listener in
                let count = tries.withLock { tries in
                    tries.append(.now)
                    return tries.count
                }
                guard count > failures else { throw KernelError.system(operation: "accept", errno: EMFILE) }
                return try listener.accept()
            }, answer: { _, _ in .done("fine\n") })
        try server.start()
        #expect(try await offload { try Self.ask(path) } == .done("fine\n"))
        let times = tries.withLock { $0 }
        for (earlier, later) in zip(times, times.dropFirst()).prefix(failures) {
            #expect(later - earlier >= .seconds(ControlLimits.acceptPauseSeconds))
        }
    }
}
