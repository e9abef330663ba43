import MeshModel
import Testing

@testable import ZtunnelNode

@Suite("A connection to Istio's node agent")
struct AgentSessionTests {
    private let pod = AgentPod(uid: "a", pod: PodKey(namespace: "shop", name: "web"), serviceAccount: "web")

    private func isRejected(_ step: AgentSession.Step) -> Bool {
        if case .reject = step { return true }
        return false
    }

    @Test("a snapshot keeps what it names, and what it takes back is not named")
    func snapshot() {
        var session = AgentSession()
        #expect(session.receive(.add(pod), hasNamespace: true) == .start(pod))
        #expect(session.receive(.keep(uid: "b"), hasNamespace: false) == .nothing)
        #expect(session.receive(.keep(uid: "c"), hasNamespace: false) == .nothing)
        #expect(session.receive(.delete(uid: "c"), hasNamespace: false) == .nothing)
        #expect(!session.isComplete)
        #expect(session.receive(.snapshotSent, hasNamespace: false) == .retain(uids: ["a", "b"]))
        #expect(session.isComplete)
        #expect(session.receive(.delete(uid: "b"), hasNamespace: false) == .stop(uid: "b"))
        #expect(session.receive(.add(pod), hasNamespace: true) == .start(pod))
    }

    @Test("requests out of place, and namespaces with the wrong ones, are refused")
    func refused() {
        var session = AgentSession()
        #expect(isRejected(session.receive(.add(pod), hasNamespace: false)))
        #expect(isRejected(session.receive(.keep(uid: "a"), hasNamespace: true)))
        #expect(isRejected(session.receive(.delete(uid: "a"), hasNamespace: true)))
        #expect(isRejected(session.receive(.snapshotSent, hasNamespace: true)))
        #expect(session.receive(.snapshotSent, hasNamespace: false) == .retain(uids: []))
        #expect(isRejected(session.receive(.snapshotSent, hasNamespace: false)))
        #expect(isRejected(session.receive(.keep(uid: "a"), hasNamespace: false)))
    }
}
