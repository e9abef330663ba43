import MeshModel
import Testing

@Suite("Requests to the node daemon")
struct NodeControlTests {
    @Test("each is read back from its line as it was", arguments: [
        NodeRequest.attach(PodKey(namespace: "shop", name: "web"), path: "/run/netns/web"),
        .detach(PodKey(namespace: "shop", name: "web"), timeoutSeconds: 0),
        .detach(PodKey(namespace: "shop", name: "web"), timeoutSeconds: 86_400), .show(.connections),
    ])
    func readBack(request: NodeRequest) {
        #expect(NodeRequest(line: request.line) == request)
    }

    @Test("what is incomplete, or waits too long, is not understood", arguments: [
        "", "detach", "detach\tshop/web", "detach\tshop/web\t-1", "detach\tshop/web\t86401", "detach\tshop/web\tx",
        "detach\tweb\t3", "attach\tshop/web", "show\tnothing", "show\tstatus\tmore",
    ])
    func refused(line: String) {
        #expect(NodeRequest(line: line) == nil)
    }
}
