import ControlTranslate
import MeshModel
import Testing

@Suite("The annotation that tells of redirection")
struct RedirectionPatchTests {
    private func pod(
        _ name: String, _ annotation: String? = nil, _ change: (inout PodResource) -> Void = { _ in }
    ) -> PodResource {
        let annotations = annotation.map { ["ambient.istio.io/redirection": $0] } ?? [:]
        var pod = PodResource(
            metadata: ResourceMetadata(name: name, namespace: "shop", annotations: annotations, uid: "u-\(name)"))
        change(&pod)
        return pod
    }

    private func key(_ name: String) -> PodKey { PodKey(namespace: "shop", name: name) }

    @Test("says what is proven, and nothing else; what says so already is left alone")
    func patches() {
        let pods = [
            pod("new"), pod("done", "enabled"), pod("waiting", "pending"), pod("left", "enabled"), pod("plain"),
            pod("ended", "enabled") { $0.phase = .succeeded }, pod("host") { $0.hostNetwork = true },
        ]
        let proven = Set(["new", "done", "waiting", "host", "ended", "unknown"].map(key))
        let patches = RedirectionPatch.needed(by: pods, proven: proven)
        #expect(patches.map(\.pod) == ["left", "new", "waiting"].map(key))
        #expect(patches.map(\.isEnabled) == [false, true, true])
    }

    @Test("a patch names the pod that it means, and takes the annotation away with null")
    func bodies() {
        let patches = RedirectionPatch.needed(by: [pod("a"), pod("b", "enabled")], proven: [key("a")])
        #expect(patches.map { String(decoding: $0.body.json, as: UTF8.self) } == [
            #"{"metadata":{"annotations":{"ambient.istio.io/redirection":"enabled"},"uid":"u-a"}}"#,
            #"{"metadata":{"annotations":{"ambient.istio.io/redirection":null},"uid":"u-b"}}"#,
        ])
    }
}
