import Dispatch
import Foundation
import MeshTelemetry
import Testing

@Suite("The log's writer")
struct LineSinkTests {
    private struct Refused: Error {}

    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    @Test("lines come out whole and in order")
    func order() async {
        let capture = Capture()
        let sink = LineSink { capture.take($0) }
        for number in 0..<1000 { sink.append(line("\(number)")) }
        await sink.flush()
        #expect(capture.lines == (0..<1000).map(String.init))
        await sink.close()
    }

    @Test("a writer that is stuck makes callers drop lines, never wait, and the drops are counted")
    func full() async {
        let capture = Capture()
        let gate = DispatchSemaphore(value: 0)
        let started = DispatchSemaphore(value: 0)
        let sink = LineSink(bytesMax: 100) { bytes in
            started.signal()
            gate.wait()
            capture.take(bytes)
        }
        #expect(sink.append(line("first")))
        await waitFor(started)
        // The writer is stuck with "first"; 100 bytes may wait behind it.
        let taken = (0..<50).filter { _ in sink.append(line("123456789")) }.count
        #expect(taken == 10)
        #expect(sink.droppedLines == 40)
        for _ in 0..<10 { gate.signal() }
        await sink.flush()
        #expect(capture.lines == ["first"] + Array(repeating: "123456789", count: 10))
        #expect(sink.append(line("again")))
        gate.signal()
        await sink.close()
        #expect(capture.lines.last == "again")
    }

    @Test("everything that waits goes out in one write")
    func batches() async {
        let capture = Capture()
        let gate = DispatchSemaphore(value: 0)
        let started = DispatchSemaphore(value: 0)
        let sink = LineSink { bytes in
            started.signal()
            gate.wait()
            capture.take(bytes)
        }
        sink.append(line("first"))
        await waitFor(started)
        for number in 0..<100 { sink.append(line("\(number)")) }
        gate.signal()
        gate.signal()
        await sink.close()
        #expect(capture.lines.count == 101)
        #expect(capture.batchCount == 2)
    }

    @Test("closing writes what waits; later lines are dropped and counted; closing twice is harmless")
    func closing() async {
        let capture = Capture()
        let sink = LineSink { capture.take($0) }
        sink.append(line("kept"))
        await sink.close()
        #expect(capture.lines == ["kept"])
        #expect(!sink.append(line("late")))
        #expect(sink.droppedLines == 1)
        await sink.close()
        await sink.flush()
    }

    @Test("a write that fails is counted and the next one is tried")
    func failing() async {
        let capture = Capture()
        let sink = LineSink { bytes in
            guard !bytes.starts(with: Array("bad".utf8)) else { throw Refused() }
            capture.take(bytes)
        }
        sink.append(line("bad"))
        await sink.flush()
        sink.append(line("good"))
        await sink.close()
        #expect(sink.failedWrites == 1)
        #expect(capture.lines == ["good"])
    }

    @Test("lines from many threads are none lost and none torn")
    func concurrency() async {
        let capture = Capture()
        let sink = LineSink { capture.take($0) }
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 { sink.append(Array("\(task):\(number)\n".utf8)) }
                }
            }
        }
        await sink.close()
        let lines = capture.lines
        #expect(lines.count == 4000)
        #expect(Set(lines).count == 4000)
        for task in 0..<8 {
            let own = lines.filter { $0.hasPrefix("\(task):") }
            #expect(own == (0..<500).map { "\(task):\($0)" })
        }
    }

    @Test("a file is made with a private mode and appended to")
    func file() async throws {
        let path = NSTemporaryDirectory() + "apus-log-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for text in ["one", "two"] {
            let sink = try LineSink.file(path: path)
            sink.append(line(text))
            await sink.close()
        }
        #expect(FileManager.default.contents(atPath: path) == Data("one\ntwo\n".utf8))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect((mode ?? 0o777) & 0o007 == 0)
    }

    @Test("a file that cannot be written is refused with its path")
    func unwritableFile() {
        let path = "/nonexistent-\(UUID().uuidString)/log"
        #expect(throws: LineSinkError(path: path)) { try LineSink.file(path: path) }
    }
}

/// Waits on another thread than those of tasks.
private func waitFor(_ semaphore: DispatchSemaphore) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            _ = semaphore.wait(timeout: .now() + 10)
            continuation.resume()
        }
    }
}
