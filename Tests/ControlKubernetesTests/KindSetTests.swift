import ControlSources
import ControlTranslate
import Testing

@testable import ControlKubernetes

/// A list of resources that knows its kind when it is empty.
private protocol ResourceList {
    static var kind: String { get }
}

extension Array: ResourceList where Element: MeshResource {
    static var kind: String { Element.kind }
}

@Suite("Kinds of files and kinds of an API server")
struct KindSetTests {
    @Test("what can be read from files is read from a cluster, and nothing else")
    func same() {
        let lists = Mirror(reflecting: ResourceSet()).children.map(\.value)
        let decoded = lists.compactMap { (type(of: $0) as? any ResourceList.Type)?.kind }
        #expect(decoded.count == lists.count && decoded.count >= 20)
        #expect(Set(ResourceKind.all.map(\.kind)) == Set(decoded))
        #expect(Set(ResourceKind.all.map(\.name)).count == ResourceKind.all.count)
    }

    @Test("the decoders know every kind in every version that is asked for", arguments: ResourceKind.all)
    func versions(kind: ResourceKind) {
        for version in kind.versions {
            let text = """
                apiVersion: \(ServedKind(kind: kind, version: version).apiVersion)
                kind: \(kind.kind)
                metadata: { name: \(kind.onlyName ?? "a"), namespace: istio-system }

                """
            let messages = ResourceFile.parse(text: text, path: "a.yaml").findings.map(\.message)
            for words in ["none of the mesh's kinds", "is not supported yet", "version \(version): expected"] {
                #expect(!messages.contains { $0.contains(words) }, "\(kind.name) \(version): \(messages)")
            }
        }
    }

    @Test("a kind that nobody knows is told apart")
    func unknown() {
        let text = "apiVersion: apus.io/v1\nkind: Unknown\nmetadata: { name: a, namespace: a }\n"
        let messages = ResourceFile.parse(text: text, path: "a.yaml").findings.map(\.message)
        #expect(messages.contains { $0.contains("none of the mesh's kinds") })
    }
}
