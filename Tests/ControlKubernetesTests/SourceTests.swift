import ControlTranslate
import Foundation
import MeshTesting
import Synchronization
import Testing

@testable import ControlKubernetes

/// The whole source against a server that misbehaves.
@Suite("Kubernetes source")
struct SourceTests {
    private static let pods = FakeCluster.podPath

    @Test("pages make the first state, events the next ones")
    func listAndWatch() async throws {
        let box = Gate()
        try await SourceRig.with { request in
            guard request.plainPath == Self.pods else { return nil }
            if request.isWatch {
                return FakeServer.Reply(pieces: [
                    .until { box.isOpen }, FakeCluster.event("ADDED", FakeCluster.pod("four", revision: 11)),
                    FakeCluster.event("DELETED", FakeCluster.pod("one", revision: 12)), .hold,
                ])
            }
            if request.path.contains("continue=t") { return FakeCluster.list([FakeCluster.pod("two", revision: 6)]) }
            return FakeCluster.list([FakeCluster.pod("one", revision: 5)], token: "t")
        } _: { rig, server in
            try await rig.untilPods(["one", "two"])
            #expect(rig.told.count == 1, "nothing is told before all kinds are known")
            #expect(rig.waiting.isEmpty)
            box.open()
            try await rig.untilPods(["four", "two"])
            #expect(rig.status("pods")?.resourceVersion == "12")
            let watch = try #require(server.requests(Self.pods, isWatch: true).first)
            #expect(watch.path.contains("resourceVersion=10") && watch.path.contains("allowWatchBookmarks=true"))
        }
    }

    @Test(
        "a list that fails is asked for again",
        arguments: [
            FakeServer.Reply.refused(401), .refused(410), .refused(429, fields: "Retry-After: 1\r\n"), .refused(500),
            .refused(404), .refused(302, fields: "Location: /else\r\n"), .whole("no json"), .whole("{}"), .whole(""),
            .whole("{\"metadata\":{},\"items\":[]}"), FakeServer.Reply(pieces: [.text("{\"metadata\":")]),
            FakeServer.Reply(pieces: []), .whole("{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{}]}"),
        ])
    func badList(_ bad: FakeServer.Reply) async throws {
        try await SourceRig.with { request in
            guard request.plainPath == Self.pods, !request.isWatch, request.number < 2 else { return nil }
            return bad
        } _: { rig, _ in
            try await rig.untilPods(["one"])
            #expect(rig.status("pods")?.trouble == nil)
        }
    }

    @Test("without rights to one kind nothing is served, the kind is named, and it is asked for slowly")
    func forbidden() async throws {
        try await SourceRig.with { $0.plainPath == Self.pods ? .refused(403) : nil } _: { rig, server in
            try await rig.until("trouble") { rig.status("pods")?.trouble == "403: no" }
            try await rig.until("all other kinds") { rig.waiting == ["pods"] }
            #expect(rig.told.isEmpty)
            #expect(server.requests(Self.pods, isWatch: false).count == 1)
            #expect(rig.status("pods")?.state == .waiting)
        }
    }

    @Test("a watch that is cut in the middle of a line goes on behind the last whole one")
    func cutWatch() async throws {
        try await SourceRig.with { request in
            guard request.plainPath == Self.pods, request.isWatch else { return nil }
            guard request.number == 0 else {
                return FakeServer.Reply(pieces: [
                    FakeCluster.event("ADDED", FakeCluster.pod("three", revision: 12)), .hold,
                ])
            }
            return FakeServer.Reply(pieces: [
                FakeCluster.event("ADDED", FakeCluster.pod("two", revision: 11)), .text("{\"type\":\"DELETED\",\"obj"),
            ])
        } _: { rig, server in
            try await rig.untilPods(["one", "three", "two"])
            let watches = server.requests(Self.pods, isWatch: true)
            #expect(watches.count == 2 && watches[1].path.contains("resourceVersion=11"))
            #expect(server.requests(Self.pods, isWatch: false).count == 1)
        }
    }

    @Test(
        "a version that is too old, and events that cannot be read, lead to a new list",
        arguments: [
            FakeServer.Reply.refused(410),
            FakeServer.Reply(pieces: [FakeCluster.event("ERROR", "{\"kind\":\"Status\",\"code\":410}"), .hold]),
            FakeServer.Reply(pieces: [.text("garbage\n"), .hold]),
            FakeServer.Reply(pieces: [FakeCluster.event("ADDED", "{}"), .hold]),
            FakeServer.Reply(pieces: [.text(String(repeating: "x", count: 5000)), .hold]),
        ])
    func relist(_ bad: FakeServer.Reply) async throws {
        var timing = SourceRig.quick
        timing.lineBytesMax = 4000
        try await SourceRig.with(timing: timing) { request in
            guard request.plainPath == Self.pods else { return nil }
            if request.isWatch { return request.number == 0 ? bad : nil }
            return request.number == 0 ? nil : FakeCluster.list([FakeCluster.pod("new", revision: 20)], revision: 21)
        } _: { rig, server in
            try await rig.untilPods(["new"])
            try await rig.until("the second watch") {
                server.requests(Self.pods, isWatch: true).last?.path.contains("resourceVersion=21") == true
            }
        }
    }

    @Test("an answer that never comes, comes slowly or falls silent is given up and asked for again")
    func slow() async throws {
        var timing = SourceRig.quick
        timing.answerSeconds = 1
        timing.silenceSeconds = 1
        try await SourceRig.with(timing: timing) { request in
            guard request.plainPath == Self.pods else { return nil }
            switch (request.isWatch, request.number) {
            case (false, 0): return FakeServer.Reply(pieces: [.text("{"), .hold])
            case (true, 0): return FakeServer.Reply(pieces: [.hold])
            case (true, _):
                return FakeServer.Reply(pieces: [
                    FakeCluster.event("ADDED", FakeCluster.pod("two", revision: 11)), .hold,
                ])
            default: return nil
            }
        } _: { rig, server in
            try await rig.untilPods(["one", "two"])
            #expect(server.requests(Self.pods, isWatch: false).count == 2, "silence is no reason to list again")
        }
    }

    @Test("a token that is replaced in its file is taken up")
    func token() async throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/token"
        try "old\n".write(toFile: path, atomically: true, encoding: .utf8)
        try await SourceRig.with(credentials: .file(path)) { request in
            request.authorization == "Bearer new" ? nil : .refused(401)
        } _: { rig, _ in
            try await rig.until("refusal") { rig.status("pods")?.trouble?.hasPrefix("401") == true }
            try "new\n".write(toFile: path, atomically: true, encoding: .utf8)
            try await rig.untilPods(["one"])
        }
    }

    @Test("an object that violates the schema is a finding, the others are in force")
    func schema() async throws {
        let bad = "{\"metadata\":{\"name\":\"bad\",\"namespace\":\"shop\"},\"spec\":[]}"
        try await SourceRig.with { request in
            guard request.plainPath == Self.pods, !request.isWatch else { return nil }
            return FakeCluster.list([bad, FakeCluster.pod("good", revision: 3)])
        } _: { rig, _ in
            try await rig.until("a state") { rig.told.last?.pods.contains("good") == true }
            let findings = try #require(rig.told.last?.findings)
            #expect(findings.map(\.resource) == ["Pod shop/bad"])
            #expect(findings.map(\.origin.file) == ["kubernetes/pods"])
        }
    }
}
