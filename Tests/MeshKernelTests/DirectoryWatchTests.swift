import Foundation
import MeshKernel
import MeshTesting
import Testing

@Suite struct DirectoryWatchTests {
    private func write(_ path: String, _ text: String = "x") throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// Takes events until it is quiet for a moment.
    private func settle(_ watch: DirectoryWatch) throws {
        while try watch.next(timeoutMilliseconds: 50) == .changed {}
    }

    private func expectChange(_ watch: DirectoryWatch, _ what: String, _ body: () throws -> Void) throws {
        try body()
        #expect(try watch.next(timeoutMilliseconds: 5000) == .changed, "\(what)")
        try settle(watch)
    }

    @Test("files written, replaced, moved and removed are changes, at any depth")
    func changes() throws {
        let directory = try TemporaryDirectory()
        let files = FileManager.default
        try files.createDirectory(atPath: directory.path + "/old/deep", withIntermediateDirectories: true)
        let watch = try DirectoryWatch(directory: directory.path)
        #expect(try watch.next(timeoutMilliseconds: 0) == .timeout)
        try expectChange(watch, "new file") { try write(directory.path + "/a") }
        try expectChange(watch, "written again") { try write(directory.path + "/a", "more") }
        try expectChange(watch, "deep file") { try write(directory.path + "/old/deep/b") }
        try expectChange(watch, "moved") {
            try files.moveItem(atPath: directory.path + "/a", toPath: directory.path + "/old/a")
        }
        try expectChange(watch, "removed") { try files.removeItem(atPath: directory.path + "/old/a") }
    }

    @Test("new directories are watched, also those made inside them before we looked")
    func newDirectories() throws {
        let directory = try TemporaryDirectory()
        let files = FileManager.default
        let watch = try DirectoryWatch(directory: directory.path)
        try expectChange(watch, "new tree") {
            try files.createDirectory(atPath: directory.path + "/x/y/z", withIntermediateDirectories: true)
        }
        try expectChange(watch, "file in it") { try write(directory.path + "/x/y/z/file") }
        try expectChange(watch, "moved tree") {
            try files.moveItem(atPath: directory.path + "/x", toPath: directory.path + "/w")
        }
        try expectChange(watch, "file in the moved tree") { try write(directory.path + "/w/y/z/other") }
    }

    @Test("a directory moved out of the tree is not watched any more")
    func movedAway() throws {
        let (directory, elsewhere) = (try TemporaryDirectory(), try TemporaryDirectory())
        let files = FileManager.default
        try files.createDirectory(atPath: directory.path + "/x/y", withIntermediateDirectories: true)
        let watch = try DirectoryWatch(directory: directory.path)
        try expectChange(watch, "moved away") {
            try files.moveItem(atPath: directory.path + "/x", toPath: elsewhere.path + "/x")
        }
        try write(elsewhere.path + "/x/y/file")
        #expect(try watch.next(timeoutMilliseconds: 50) == .timeout)
    }

    @Test("the swap of a symbolic link is a change, as Kubernetes updates mounted files")
    func symbolicLinkSwap() throws {
        let directory = try TemporaryDirectory()
        let files = FileManager.default
        try files.createSymbolicLink(atPath: directory.path + "/data", withDestinationPath: "/nowhere/1")
        let watch = try DirectoryWatch(directory: directory.path)
        try expectChange(watch, "link") {
            try files.createSymbolicLink(atPath: directory.path + "/new", withDestinationPath: "/nowhere/2")
            try Shell.run(["mv", "-T", directory.path + "/new", directory.path + "/data"])
        }
    }

    @Test("too many changes at once are reported as overflow, and watching goes on")
    func overflow() throws {
        let directory = try TemporaryDirectory()
        let watch = try DirectoryWatch(directory: directory.path)
        let limit = try String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
        let count = try #require(Int(limit.trimmingCharacters(in: .whitespacesAndNewlines)))
        // Two names alternate, so that no event equals its predecessor (those are merged).
        let script = "d=\(directory.path); i=0; while [ $i -le \(count / 2) ]; do : >$d/a; : >$d/b; i=$((i+1)); done"
        try Shell.run(["sh", "-c", script])
        var seen: [DirectoryEvent] = []
        while let event = try? watch.next(timeoutMilliseconds: 100), event != .timeout { seen.append(event) }
        #expect(seen.contains(.overflow))
        try expectChange(watch, "afterwards") { try write(directory.path + "/c") }
    }

    @Test("the end of the watched directory is an error that names it")
    func rootGone() throws {
        let directory = try TemporaryDirectory()
        let root = directory.path + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        let watch = try DirectoryWatch(directory: root)
        try FileManager.default.removeItem(atPath: root)
        #expect(throws: KernelError.watchedDirectoryGone(path: root)) { _ = try watch.next(timeoutMilliseconds: 5000) }
        #expect(throws: KernelError.self) { _ = try DirectoryWatch(directory: root) }
    }

    @Test("wake ends a wait without end")
    func wake() throws {
        let directory = try TemporaryDirectory()
        let watch = try DirectoryWatch(directory: directory.path)
        Thread.detachNewThread { watch.wake() }
        #expect(try watch.next(timeoutMilliseconds: -1) == .woken)
        #expect(try watch.next(timeoutMilliseconds: -1) == .woken)
    }
}
