import ControlSources
import ControlTranslate
import Foundation
import Synchronization
import Testing

/// A directory of its own for one test, with a source that runs on it.
private final class Bench: Sendable {
    struct Seen {
        var resources = ResourceSet()
        var findings: [Finding] = []
        var count = 0
    }

    let root: String
    private let seen = Mutex(Seen())

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("apust-sources-\(UUID())").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ path: String, _ text: String) throws {
        let url = URL(fileURLWithPath: root).appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    static func pod(_ name: String) -> String {
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \(name)}\nspec: {nodeName: n}\n"
    }

    var pods: [String] { seen.withLock { $0.resources.pods.map(\.metadata.name) } }
    var findings: [Finding] { seen.withLock { $0.findings } }
    var count: Int { seen.withLock { $0.count } }

    /// Runs a source during the body.
    func run(
        timing: DirectorySource.Timing = DirectorySource.Timing(), waits: Bool = false,
        _ body: () async throws -> Void
    ) async throws {
        let source = DirectorySource(
            directory: root, timing: timing, waitsForReadableFiles: waits)
        let task = Task {
            await source.run { resources, findings in
                self.seen.withLock {
                    $0 = Seen(resources: resources, findings: findings, count: $0.count + 1)
                }
            }
        }
        do {
            try await body()
        } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        await task.value
    }

    /// Waits until the condition holds, at most the bound; says how long it took.
    @discardableResult
    func wait(
        _ what: String, within bound: Duration = .seconds(20), _ condition: () -> Bool
    ) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        while !condition() {
            guard clock.now - start < bound else {
                Issue.record("waited \(bound) for \(what); pods \(pods), findings \(findings)")
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        return clock.now - start
    }
}

@Suite struct DirectorySourceTests {
    /// Without the regular look: what is seen is seen by events.
    private static let eventsOnly: DirectorySource.Timing = {
        var timing = DirectorySource.Timing()
        timing.lookMilliseconds = 600_000
        return timing
    }()

    @Test("a written, renamed, moved and deleted file is seen, in new directories too")
    func changes() async throws {
        let bench = try Bench()
        try bench.write("b.yaml", Bench.pod("b"))
        try bench.write(".hidden.yaml", Bench.pod("hidden"))
        try bench.write("notes.txt", "not YAML: [")
        try await bench.run(timing: Self.eventsOnly) {
            try await bench.wait("the first state") { bench.pods == ["b"] }
            try bench.write("a.yml", Bench.pod("a"))
            let time = try await bench.wait("a new file") { bench.pods == ["a", "b"] }
            print("a new file was seen after \(time)")
            try bench.write(".c.tmp", Bench.pod("c"))
            try FileManager.default.moveItem(atPath: bench.root + "/.c.tmp", toPath: bench.root + "/c.json")
            try await bench.wait("an atomic rename") { bench.pods == ["a", "b", "c"] }
            try bench.write("deep/er/d.yaml", Bench.pod("d"))
            try await bench.wait("a file in new directories") { bench.pods == ["a", "b", "c", "d"] }
            try bench.write("deep/er/d.yaml", Bench.pod("e"))
            try await bench.wait("a rewritten file") { bench.pods == ["a", "b", "c", "e"] }
            try FileManager.default.removeItem(atPath: bench.root + "/a.yml")
            try await bench.wait("a deletion") { bench.pods == ["b", "c", "e"] }
            try FileManager.default.removeItem(atPath: bench.root + "/deep")
            try await bench.wait("a deleted directory") { bench.pods == ["b", "c"] }
            #expect(bench.findings.isEmpty)
        }
    }

    @Test("a file that no longer parses keeps its last good state and names file and line")
    func lastGoodState() async throws {
        let bench = try Bench()
        try bench.write("a.yaml", Bench.pod("a"))
        try bench.write("b.yaml", Bench.pod("b"))
        try await bench.run(timing: Self.eventsOnly) {
            try await bench.wait("the first state") { bench.pods == ["a", "b"] }
            try bench.write("a.yaml", Bench.pod("changed") + "x: [\n")
            try await bench.wait("a finding") { !bench.findings.isEmpty }
            #expect(bench.pods == ["a", "b"])
            #expect(bench.findings.first?.origin.file == bench.root + "/a.yaml")
            #expect(bench.findings.first?.origin.line == 6)
            #expect(bench.findings.first?.message.contains("stays in force") == true)
            try bench.write("a.yaml", Bench.pod("mended"))
            try await bench.wait("the mended file") { bench.pods == ["mended", "b"] && bench.findings.isEmpty }
            try FileManager.default.removeItem(atPath: bench.root + "/a.yaml")
            try await bench.wait("the deletion") { bench.pods == ["b"] }
        }
    }

    @Test("files behind a link are read, and their change is found by the regular look")
    func links() async throws {
        let (bench, outside) = (try Bench(), try Bench())
        try outside.write("real.yaml", Bench.pod("a"))
        try outside.write("folder/x.yaml", Bench.pod("x"))
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: bench.root + "/link.yaml", withDestinationPath: outside.root + "/real.yaml")
        try manager.createSymbolicLink(
            atPath: bench.root + "/folder", withDestinationPath: outside.root + "/folder")
        try manager.createSymbolicLink(atPath: bench.root + "/loop", withDestinationPath: bench.root)
        try manager.createSymbolicLink(atPath: bench.root + "/broken.yaml", withDestinationPath: "/nowhere")
        var timing = DirectorySource.Timing()
        timing.lookMilliseconds = 50
        try await bench.run(timing: timing) {
            try await bench.wait("the first state") { bench.pods == ["x", "a"] }
            try outside.write("real.yaml", Bench.pod("changed"))
            try await bench.wait("the change behind the link") { bench.pods == ["x", "changed"] }
            #expect(bench.findings.isEmpty)
        }
    }

    @Test("a directory that goes away keeps what it said, and is read again when it is back")
    func directoryGone() async throws {
        let bench = try Bench()
        try bench.write("a.yaml", Bench.pod("a"))
        try await bench.run(timing: Self.eventsOnly) {
            try await bench.wait("the first state") { bench.pods == ["a"] }
            try FileManager.default.moveItem(atPath: bench.root, toPath: bench.root + ".away")
            try await bench.wait("a finding") { !bench.findings.isEmpty }
            #expect(bench.pods == ["a"])
            try FileManager.default.moveItem(atPath: bench.root + ".away", toPath: bench.root)
            try await bench.wait("the return") { bench.findings.isEmpty }
            try bench.write("b.yaml", Bench.pod("b"))
            try await bench.wait("a change after the return") { bench.pods == ["a", "b"] }
        }
    }

    @Test("touching a file or writing the same text is no change")
    func noChange() async throws {
        let bench = try Bench()
        try bench.write("a.yaml", Bench.pod("a"))
        try await bench.run(timing: Self.eventsOnly) {
            try await bench.wait("the first state") { bench.count == 1 }
            try bench.write("a.yaml", Bench.pod("a"))
            try bench.write("ignored.txt", "x")
            try bench.write("b.yaml", Bench.pod("b"))
            try await bench.wait("a real change") { bench.pods == ["a", "b"] }
            #expect(bench.count <= 3)
            let before = bench.count
            try bench.write("a.yaml", Bench.pod("a"))
            try bench.write("c.yaml", "# nothing\n")
            try bench.write("d.yaml", Bench.pod("d"))
            try await bench.wait("another change") { bench.pods == ["a", "b", "d"] }
            #expect(bench.count <= before + 2)
        }
    }

    @Test("one name in two files: the first in path order stays, the other is reported")
    func duplicates() async throws {
        let bench = try Bench()
        try bench.write("b/x.yaml", Bench.pod("same"))
        try bench.write("a/x.yaml", "# one line more\n" + Bench.pod("same"))
        try await bench.run(timing: Self.eventsOnly) {
            try await bench.wait("the first state") { bench.pods == ["same"] }
            #expect(bench.findings.map(\.origin.file) == [bench.root + "/b/x.yaml"])
            #expect(bench.findings.first?.message.contains("a/x.yaml:2") == true)
        }
    }

    @Test("where asked for, the first state waits until every file can be read")
    func holdBack() async throws {
        let bench = try Bench()
        try bench.write("a.yaml", Bench.pod("a"))
        try bench.write("policy.yaml", "kind: [")
        try await bench.run(timing: Self.eventsOnly, waits: true) {
            try bench.write("b.yaml", Bench.pod("b"))
            try await Task.sleep(for: .milliseconds(200))
            #expect(bench.count == 0)
            try bench.write("policy.yaml", Bench.pod("policy"))
            try await bench.wait("the mended file") { bench.pods == ["a", "b", "policy"] }
        }
    }
}
