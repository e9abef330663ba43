import Foundation
import MeshKernel
import MeshTesting
import Testing

@testable import ZtunnelNode

/// A /proc of files, whose namespaces are real.
@Suite("The search for running pods")
struct ProcessScanTests {
    private static let uid = "2c48913c-b29f-11e7-9350-020968147796"
    private static let cgroup = "0::/kubepods/burstable/pod\(uid)/c\n"

    private func process(
        _ root: TemporaryDirectory, _ number: Int, _ cgroup: String, in path: String, started: Int
    ) throws {
        let folder = "\(root.path)/\(number)"
        try FileManager.default.createDirectory(atPath: "\(folder)/ns", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/ns/net", withDestinationPath: path)
        try cgroup.write(toFile: "\(folder)/cgroup", atomically: false, encoding: .utf8)
        // A name that looks like fields.
        let fields = Array(repeating: "0", count: 18).joined(separator: " ")
        try "\(number) (a) b 7 (c)) S \(fields) \(started) 0 0\n"
            .write(toFile: "\(folder)/stat", atomically: false, encoding: .utf8)
    }

    @Test("finds each namespace of a wanted pod once, that of its oldest process first, and never the host's")
    func findings() async throws {
        let root = try TemporaryDirectory()
        let host = try TestNamespace()
        let (own, foreign, other) = (try TestNamespace(), try TestNamespace(), try TestNamespace())
        try process(root, 1, "0::/init.scope\n", in: host.path, started: 1)
        try process(root, 50, Self.cgroup, in: foreign.path, started: 900)
        try process(root, 51, Self.cgroup, in: own.path, started: 100)
        try process(root, 52, Self.cgroup, in: own.path, started: 300)
        try process(root, 53, Self.cgroup, in: host.path, started: 2)
        try process(root, 54, "0::/kubepods/pod0123456789abcdef0123456789abcdef/c", in: other.path, started: 5)
        try process(root, 55, "0::/user.slice", in: other.path, started: 5)
        // Ends while it is looked at.
        try process(root, 56, Self.cgroup, in: "/proc/apus-none", started: 5)
        try FileManager.default.createDirectory(atPath: "\(root.path)/self", withIntermediateDirectories: true)
        let found = try await ProcessScan(root: root.path).findings(of: [Self.uid, "not-there"])
        #expect(Array(found.keys) == [Self.uid])
        #expect(found[Self.uid]?.map(\.namespace.identity) == [own, foreign].map(\.namespace.identity))
        #expect(found[Self.uid]?.first?.path == "\(root.path)/51/ns/net")
    }

    @Test("a process of a host network pod alone is no finding")
    func hostNetwork() async throws {
        let root = try TemporaryDirectory()
        let host = try TestNamespace()
        try process(root, 1, "0::/", in: host.path, started: 1)
        try process(root, 9, Self.cgroup, in: host.path, started: 5)
        #expect(try await ProcessScan(root: root.path).findings(of: [Self.uid]).isEmpty)
    }

    @Test("without the host's namespace nothing is found, rather than too much")
    func noHost() async throws {
        let root = try TemporaryDirectory()
        let own = try TestNamespace()
        try process(root, 9, Self.cgroup, in: own.path, started: 5)
        await #expect(throws: (any Error).self) {
            try await ProcessScan(root: root.path).findings(of: [Self.uid])
        }
    }

    /// Where the first process has more rights than ours, its namespace is not told.
    private static let isHostReadable =
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/1/ns/net")) != nil

    @Test("the real /proc is read", .enabled(if: isHostReadable))
    func realProcesses() async throws {
        #expect(try await ProcessScan(root: "/proc").findings(of: [Self.uid]).isEmpty)
    }
}
