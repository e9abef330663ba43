import Foundation
import MeshKernel
import MeshModel
import Testing

@testable import ZtunnelNode

@Suite("The list of attached pods on disk")
struct AttachmentStoreTests {
    private let path = "/tmp/apust-attachments-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)"

    private func entry(
        _ name: String, inode: UInt64 = 4_026_531_840, path: String = "/run/netns/a"
    ) -> AttachmentStore.Entry {
        AttachmentStore.Entry(
            pod: PodKey(namespace: "shop", name: name), identity: NamespaceIdentity(device: 4, inode: inode), path: path
        )
    }

    @Test("what was saved is loaded, sorted by pod, and replaces what was there")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = AttachmentStore(path: path)
        let entries = [entry("b", inode: .max), entry("a", path: "/proc/7/ns/net with spaces\tand a tab")]
        try store.save(entries)
        #expect(store.load() == [entries[1], entries[0]])
        try store.save([entries[0]])
        #expect(store.load() == [entries[0]])
        try store.save([])
        #expect(store.load().isEmpty)
    }

    @Test("what a container runtime announced is known as that again")
    func sandboxes() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = AttachmentStore(path: path)
        var (announced, found) = (entry("a"), entry("b"))
        announced.sandbox = PodSandbox(pod: announced.pod, uid: "u-1", container: "c0ffee")
        found.sandbox = PodSandbox(pod: found.pod, uid: "", container: "")
        try store.save([announced, found])
        #expect(store.load() == [announced, found])
    }

    @Test("no file means no pods")
    func absent() {
        #expect(AttachmentStore(path: path).load().isEmpty)
    }

    @Test("lines that cannot be read are skipped, the others stay")
    func badLines() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = """
            shop/a\t4\t17\t/run/netns/a
            shop\t4\t17\t/run/netns/b
            shop/c\tfour\t17\t/run/netns/c
            shop/d\t4\t-1\t/run/netns/d
            shop/e\t4\t17

            \u{0}\u{1}
            shop/f\t4\t18\t/run/netns/f
            shop/h@u\t4\t18\t/run/netns/h
            shop/g\t4\t18446744073709551616\t/run/netns/g
            """
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(AttachmentStore(path: path).load().map(\.pod.name) == ["a", "f"])
    }

    @Test("a place where nothing can be written is an error, not silence")
    func notWritable() {
        #expect(throws: (any Error).self) { try AttachmentStore(path: "/proc/apus/none").save([entry("a")]) }
    }
}
