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
        pod.nodeName = "one"
        change(&pod)
        return pod
    }

    private func key(_ name: String) -> PodKey { PodKey(namespace: "shop", name: name) }

    private func settings(proven: [String], heard: Set<String> = ["one"]) -> TranslateSettings {
        var settings = TranslateSettings()
        settings.proven = Set(proven.map(key))
        settings.heardNodes = heard
        return settings
    }

    @Test("says what is proven, and nothing else; what says so already is left alone")
    func patches() {
        let pods = [
            pod("new"), pod("done", "enabled"), pod("waiting", "pending"), pod("left", "enabled"), pod("plain"),
            pod("ended", "enabled") { $0.phase = .succeeded }, pod("host") { $0.hostNetwork = true },
            pod("leaving", "enabled") { $0.metadata.isBeingDeleted = true },
            pod("far", "enabled") { $0.nodeName = "two" }, pod("nowhere", "enabled") { $0.nodeName = "" },
        ]
        let settings = settings(proven: ["new", "done", "waiting", "host", "unknown"])
        let patches = RedirectionPatch.needed(by: pods, settings)
        #expect(patches.map(\.pod) == ["left", "new", "waiting"].map(key))
        #expect(patches.map(\.value) == [nil, "enabled", "enabled"])
        #expect(patches.map(\.uid) == ["u-left", "u-new", "u-waiting"])
    }

    @Test("what a node that has not reported has proven, or somebody else's agent, is not denied")
    func others() {
        let pods = [pod("a"), pod("b", "enabled")]
        #expect(RedirectionPatch.needed(by: pods, settings(proven: ["a"], heard: [])).isEmpty)
        var trusting = settings(proven: ["a"])
        #expect(RedirectionPatch.needed(by: pods, trusting).count == 2)
        trusting.trustsRedirectionAnnotation = true
        #expect(RedirectionPatch.needed(by: pods, trusting).isEmpty)
    }

    @Test("with other replicas, it says what nodes that report to them have proven", arguments: [
        (true, ["one"], ["fresh"]), (true, ["two"], ["old"]), (false, ["one"], ["fresh"]), (false, [], ["fresh"]),
    ])
    func replicas(_ shares: Bool, _ heard: [String], _ captured: [String]) {
        let world = Make.world { resources, settings in
            resources.pods = [
                pod("fresh") { $0.addresses = [IPAddress(v4: 0x0A00_0001)] },
                pod("old", "enabled") { $0.addresses = [IPAddress(v4: 0x0A00_0002)] },
            ]
            settings = self.settings(proven: ["fresh"], heard: Set(heard))
            settings.sharesProofs = shares
        }
        #expect(world.workloads.filter { $0.tunnel == .hbone }.map(\.name).sorted() == captured)
    }

    @Test("with other replicas, who leaves is reached by HBONE until the annotation is gone", arguments: [
        (true, "enabled", true), (true, nil, false), (false, "enabled", false),
    ])
    func leaving(_ shares: Bool, _ annotation: String?, _ isReached: Bool) {
        let world = Make.world { resources, settings in
            resources.pods = [pod("a", annotation) { $0.addresses = [IPAddress(v4: 0x0A00_0001)] }]
            settings = self.settings(proven: [])
            settings.leaving = [key("a")]
            settings.sharesProofs = shares
        }
        #expect(world.workloads.map { $0.tunnel == .hbone } == [isReached])
        #expect(world.redirections.map(\.value) == (annotation == nil ? [] : [nil]))
    }

    @Test("a world has the patches")
    func world() {
        let world = Make.world { resources, settings in
            resources.pods = [pod("a")]
            settings = self.settings(proven: ["a"])
        }
        #expect(world.redirections.map(\.pod) == [key("a")])
    }
}
