import ControlServe
import ControlTranslate
import MeshModel
import Testing

@Suite("The annotation of redirection follows what nodes report")
struct RedirectionTests {
    private static let web = PodKey(namespace: "shop", name: "web")

    private func resources(annotation: String? = nil) -> ResourceSet {
        var resources = Plane.resources()
        for index in resources.pods.indices where resources.pods[index].key == Self.web {
            if let annotation {
                resources.pods[index].metadata.annotations["ambient.istio.io/redirection"] = annotation
            }
        }
        return resources
    }

    private func values(_ plane: Plane) -> [String?]? { plane.desk.debugBoard.current?.redirections.map(\.value) }

    @Test("a proof sets it; without a proof it goes, but only when the node has spoken")
    func follows() async throws {
        try await Plane.run(Scratch()) { plane in
            let desk = plane.desk
            await desk.resourcesChanged(resources(annotation: "enabled"), findings: [])
            #expect(values(plane) == [], "the node has not spoken")
            let session = await desk.openEnrolment(node: "one")
            await desk.report(node: "one", session: session, [PodReport(pod: Self.web, phase: .enrolling)])
            // The report alone makes the new world.
            for _ in 0..<10_000 where values(plane) != [nil] { try await Task.sleep(for: .milliseconds(1)) }
            #expect(values(plane) == [nil])
            await desk.report(node: "one", session: session, [PodReport(pod: Self.web, phase: .proven)])
            await desk.resourcesChanged(resources(), findings: [])
            #expect(values(plane) == ["enabled"])
            await desk.resourcesChanged(resources(annotation: "enabled"), findings: [])
            #expect(values(plane) == [])
            await desk.report(node: "one", session: session, [PodReport(pod: Self.web, phase: .leaving)])
            await desk.resourcesChanged(resources(annotation: "enabled"), findings: [])
            #expect(values(plane) == [nil])
            await desk.closeEnrolment(node: "one", session: session)
            await desk.resourcesChanged(resources(annotation: "enabled"), findings: [])
            #expect(values(plane) == [], "nobody speaks for the node any more")
        }
    }
}
