import Dispatch
import Foundation
import Synchronization

/// Takes finished log lines from any thread and lets one thread of its own write them. Never makes a caller wait for
/// the output: when `bytesMax` bytes wait already, the line is dropped and counted. The writer gathers lines for a
/// moment, then writes all of them at once, so a busy loop neither wakes it nor makes it write for every line.
/// Must be closed.
package final class LineSink: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var flushes: [CheckedContinuation<Void, Never>] = []
        var writerIsIdle = true
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Ends the writer's rest.
    private let wake = DispatchSemaphore(value: 0)
    /// Ends its gathering. A signal left over makes a later gathering short, nothing else.
    private let hurry = DispatchSemaphore(value: 0)
    private let bytesMax: Int
    private let dropped = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    /// - Parameter write: writes all bytes or throws; called on the writer thread only, and may block.
    package init(
        bytesMax: Int = TelemetryLimits.logQueueBytesMax, write: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.bytesMax = bytesMax
        let thread = Thread { [self] in run(write) }
        thread.name = "log-writer"
        thread.start()
    }

    /// Lines to standard output.
    package static func standardOutput() -> LineSink {
        LineSink { bytes in try FileHandle.standardOutput.write(contentsOf: bytes) }
    }

    /// Lines to standard error.
    package static func standardError() -> LineSink {
        LineSink { bytes in try FileHandle.standardError.write(contentsOf: bytes) }
    }

    /// Lines appended to a file, which is made (mode 0640) when it is not there.
    package static func file(path: String) throws(LineSinkError) -> LineSink {
        if !FileManager.default.fileExists(atPath: path) {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o640]
            guard FileManager.default.createFile(atPath: path, contents: nil, attributes: attributes) else {
                throw LineSinkError(path: path)
            }
        }
        guard let handle = FileHandle(forWritingAtPath: path) else { throw LineSinkError(path: path) }
        return LineSink { bytes in
            // The file may have been cut by a rotation since the last write.
            try handle.seekToEnd()
            try handle.write(contentsOf: bytes)
        }
    }

    /// Lines that were dropped because the queue was full or the sink closed.
    package var droppedLines: Int { dropped.load(ordering: .relaxed) }
    /// Batches that the system refused to write.
    package var failedWrites: Int { failed.load(ordering: .relaxed) }

    /// Copies the line (which ends with a newline) into the queue. False: dropped and counted.
    @discardableResult
    package func append(_ line: [UInt8]) -> Bool {
        let (isTaken, wakesWriter, hurriesWriter) = state.withLock { state in
            let countBefore = state.pending.count
            guard !state.isClosed, countBefore + line.count <= bytesMax else { return (false, false, false) }
            state.pending += line
            defer { state.writerIsIdle = false }
            let half = bytesMax / 2
            return (true, state.writerIsIdle, countBefore < half && countBefore + line.count >= half)
        }
        if !isTaken { dropped.add(1, ordering: .relaxed) }
        if wakesWriter { wake.signal() }
        if hurriesWriter { hurry.signal() }
        return isTaken
    }

    /// Returns when everything appended before has been handed to the system.
    package func flush() async {
        await withCheckedContinuation { continuation in
            enqueue(continuation, closing: false)
        }
    }

    /// Writes what waits, then ends the writer thread. Later lines are dropped and counted. May be called again.
    package func close() async {
        await withCheckedContinuation { continuation in
            enqueue(continuation, closing: true)
        }
    }

    private func enqueue(_ continuation: CheckedContinuation<Void, Never>, closing: Bool) {
        let (isDone, wakesWriter) = state.withLock { state in
            guard !state.isClosed || !state.writerIsIdle else { return (true, false) }
            state.flushes.append(continuation)
            if closing { state.isClosed = true }
            defer { state.writerIsIdle = false }
            return (false, state.writerIsIdle)
        }
        if isDone { continuation.resume() }
        if wakesWriter { wake.signal() }
        hurry.signal()
    }

    private func run(_ write: ([UInt8]) throws -> Void) {
        var batch: [UInt8] = []
        while true {
            let mayRest = state.withLock { state in
                state.writerIsIdle = state.pending.isEmpty && state.flushes.isEmpty && !state.isClosed
                return state.writerIsIdle
            }
            if mayRest { wake.wait() }
            _ = hurry.wait(timeout: .now() + .milliseconds(TelemetryLimits.logGatherMilliseconds))
            var flushes: [CheckedContinuation<Void, Never>] = []
            let isOver = state.withLock { state in
                swap(&state.pending, &batch)
                swap(&state.flushes, &flushes)
                state.writerIsIdle = state.isClosed && batch.isEmpty && flushes.isEmpty
                return state.writerIsIdle
            }
            if isOver { return }
            do {
                if !batch.isEmpty { try write(batch) }
            } catch {
                // Nowhere to tell it: the log is what failed. The counter is exposed.
                failed.add(1, ordering: .relaxed)
            }
            batch.removeAll(keepingCapacity: true)
            for flush in flushes { flush.resume() }
        }
    }
}

/// A log file that cannot be opened.
package struct LineSinkError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String

    package init(path: String) { self.path = path }

    package var description: String {
        "log file: expected a file this process may write, found none at '\(path)'; check its directory and its mode"
    }
}
