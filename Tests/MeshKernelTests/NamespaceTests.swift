import Foundation
import MeshKernel
import MeshModel
import MeshTesting
import Testing

@Suite struct NamespaceTests {
    static let otherKinds = ["/etc/hostname", "/proc/self/ns/mnt", "/dev/null"]

    @Test("a file of another kind is no network namespace", arguments: otherKinds)
    func otherFiles(path: String) throws {
        #expect(throws: KernelError.notANetworkNamespace(path: path)) { _ = try NetworkNamespace(path: path) }
    }

    @Test("a missing path is an error that names it")
    func missingPath() throws {
        let error = #expect(throws: KernelError.self) { _ = try NetworkNamespace(path: "/run/netns/none-such") }
        #expect(error?.description == "open network namespace /run/netns/none-such: "
            + "No such file or directory (ENOENT)")
    }

    @Test("a namespace is the same by path and by descriptor, and not that of another")
    func identity() throws {
        let (one, other) = (try TestNamespace(), try TestNamespace())
        let again = try NetworkNamespace(path: one.path)
        let passed = try NetworkNamespace(adopting: one.namespace.duplicateDescriptor())
        #expect(again.identity == one.namespace.identity)
        #expect(passed.identity == one.namespace.identity)
        #expect(other.namespace.identity != one.namespace.identity)
    }

    @Test("the thread works inside and comes back, also after an error")
    func enterAndReturn() throws {
        struct Stop: Error {}
        let inside = try TestNamespace()
        let before = try NetworkNamespace(path: "/proc/thread-self/ns/net").identity
        let seen = try inside.namespace.enter { try NetworkNamespace(path: "/proc/thread-self/ns/net").identity }
        #expect(seen == inside.namespace.identity)
        #expect(throws: Stop.self) { try inside.namespace.enter { throw Stop() } }
        #expect(try NetworkNamespace(path: "/proc/thread-self/ns/net").identity == before)
    }

    @Test("entering nests")
    func nestedEntering() throws {
        let (outer, inner) = (try TestNamespace(), try TestNamespace())
        try outer.namespace.enter {
            try inner.namespace.enter {}
            let here = try NetworkNamespace(path: "/proc/thread-self/ns/net").identity
            #expect(here == outer.namespace.identity)
        }
    }

    @Test("the capture table of a namespace that lost its name still works")
    func nameIsGone() throws {
        let pod = try TestNamespace()
        let namespace = try NetworkNamespace(path: pod.path)
        let table = try CaptureTable(in: namespace)
        try Shell.run(["ip", "netns", "delete", pod.name])
        try table.install(CaptureRules())
        #expect(try table.verify(CaptureRules()) == .equal)
    }
}
