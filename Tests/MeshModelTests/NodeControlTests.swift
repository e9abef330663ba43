import MeshModel
import Testing

@Suite("Requests and answers on the node's socket")
struct NodeControlTests {
    private static let pod = PodKey(namespace: "shop", name: "web-0")

    private static let sandbox = PodSandbox(pod: pod, uid: "u-1", container: "c0ffee")

    @Test("each request and its line are one", arguments: [
        (NodeRequest.attach(pod, path: "/run/netns/a b"), "attach\tshop/web-0\t/run/netns/a b"),
        (.explainConnection("{}"), "explain-connection\t{}"), (.explainRequest("{}"), "explain-request\t{}"),
        (.attach(pod, path: "/proc/1/ns/net"), "attach\tshop/web-0\t/proc/1/ns/net"),
        (.detach(pod, timeoutSeconds: 30), "detach\tshop/web-0\t30"),
        (.detach(pod, timeoutSeconds: 0), "detach\tshop/web-0\t0"),
        (.detach(pod, timeoutSeconds: 86_400), "detach\tshop/web-0\t86400"),
        (.enrol(sandbox, EnrolmentWait(seconds: 20, otherwise: .refuse), path: "/run/netns/a"),
            "enrol\tshop/web-0\tu-1\tc0ffee\t20\trefuse\t/run/netns/a"),
        (.release(sandbox), "release\tshop/web-0\tu-1\tc0ffee"), (.check(sandbox), "check\tshop/web-0\tu-1\tc0ffee"),
        (.retain(containers: ["b", "a.1"]), "retain\ta.1,b"), (.retain(containers: []), "retain\t"),
        (.show(.status), "show\tstatus"), (.show(.dump), "show\tdump"),
    ])
    func requests(request: NodeRequest, line: String) {
        #expect(request.line == line)
        #expect(NodeRequest(line: line) == request)
    }

    @Test("every view can be asked for by its name", arguments: NodeView.allCases)
    func views(view: NodeView) {
        #expect(NodeRequest(line: NodeRequest.show(view).line) == .show(view))
    }

    @Test("what is no request is none", arguments: [
        "", "\t", "attach", "attach\tshop/web-0", "attach\tweb-0\t/p", "attach\tshop/\t/p", "attach\t/web\t/p",
        "attach\tshop/web-0\t/p\tmore", "attach shop/web-0 /p", "ATTACH\tshop/web-0\t/p", "detach", "detach\tshop",
        "detach\tshop/web-0", "detach\tshop/web-0\tmore", "detach\tshop/web-0\t-1", "detach\tshop/web-0\t86401",
        "show", "show\t", "show\teverything", "show\tstatus\t", " show\tstatus", "stop\tx",
        "attach\ta/b/c\t/p", "enrol\tshop/web-0\tu\tc\t0\trefuse\t/p", "enrol\tshop/web-0\tu\tc\t121\tpass\t/p",
        "enrol\tshop/web-0\tu\tc\t5\tmaybe\t/p", "enrol\tshop/web-0\tu\t\t5\tpass\t/p",
        "enrol\tshop/web-0\tu\t../c\t5\tpass\t/p", "release\tshop/web-0\tu\t-c", "check\tshop\tu\tc",
        "retain\ta b", "retain",
    ])
    func badRequests(line: String) {
        #expect(NodeRequest(line: line) == nil)
    }

    @Test("a path with a tab cannot be smuggled in as another word")
    func tabs() {
        #expect(NodeRequest(line: NodeRequest.attach(Self.pod, path: "/a\t/b").line) == nil)
    }

    @Test("each answer and its text are one, whatever lines its body has", arguments: [
        (NodeReply.done(""), "ok\n"), (.done("a\nerror\nb"), "ok\na\nerror\nb"), (.refused("no\n"), "error\nno\n"),
    ])
    func replies(reply: NodeReply, text: String) {
        #expect(reply.text == text)
        #expect(NodeReply(text: text) == reply)
    }

    @Test("what is no answer is none", arguments: ["", "ok", "error", "OK\nx", "fine\nx", "\nok", " ok\n"])
    func badReplies(text: String) {
        #expect(NodeReply(text: text) == nil)
    }
}
